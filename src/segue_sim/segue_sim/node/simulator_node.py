"""The simulator node: a MuJoCo world in place of the robot, its cameras and the clock.

It steps the world at the control rate, never faster than `real_time_factor`. With `waits`, time waits for the
controller: a step is taken when it has answered the joint states before, so that a slow machine makes a slow simulation
and never a late robot. Without, time that the machine cannot keep up with is lost, and never made up for.
Either way everybody follows `/clock`.
"""

import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Bool, UInt64
from std_srvs.srv import SetBool
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

from segue_control.hardware.robot_side import RobotSide
from segue_control.node.scene_messages import scene_to_msg
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode
from segue_interfaces.msg import SimState, TaskState
from segue_interfaces.srv import ResetWorld
from segue_ros import conversions, images, parameters, qos, sole_sender, ticks
from segue_ros.frames import optical_frame, prefix
from segue_ros.lifecycle import LifecycleComponent, run
from segue_sim import snapshot
from segue_sim.episode import Episode
from segue_sim.node.sensor_messages import camera_info, joint_state, state_message
from segue_sim.pace import Pace
from segue_sim.picture_thread import Pictures, PictureThread
from segue_sim.sim_clock import SimClock
from segue_sim.surroundings import surroundings
from segue_sim.viewing import Window

_SCENE_TICKS = 30  # ticks between two messages about what stands around the robot
_PATIENCE_S = 4.0  # with a controller that has answered before; it has 2.5 s with whoever commands it
_DEBT_S = 0.1  # how far behind the wall clock a world that waits may be and catch up
_SPEED_PERIOD_S = 5.0
_SLOW = 0.9  # of the wanted pace: below, people are told
_STANDING_PERIOD_S = 0.1


class SimulatorParameters(StrictModel):
    """Parameters of the simulator node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    task_file: str = Field(description="path of the task's YAML file")
    seed: int = Field(default=0, ge=0, description="seed of the first episode's poses and colours")
    real_time_factor: float = Field(
        default=1.0, ge=0.05, le=10.0, description="simulated seconds per second, at most"
    )
    waits: bool = Field(default=False, description="time waits for the controller's answer to every step")
    stands: bool = Field(default=False, description="time stands at first, until sim/pause lets it pass")
    view: bool = Field(default=False, description="open a window")
    publish_state: bool = Field(
        default=False, description="tell the whole state of the world on /sim/state, for privileged policies"
    )


class SimulatorNode(LifecycleComponent):
    """Publishes the clock, joint states and cameras of a simulated robot; moves it as /joint_command says."""

    def __init__(self) -> None:
        super().__init__("simulator")

    def setup(self) -> None:
        """Build the world and the interfaces of a real robot's drivers."""
        given = parameters.declare(self, SimulatorParameters)
        self._robot = robot = load_robot(given.robot_file)
        self._task = load_file(given.task_file, TaskConfig, "task")
        self._world = Episode(robot, self._task, given.seed, render=False)
        self._drawn = self.create_guard_condition(self._on_due)
        self._pictures = PictureThread(self._world.model, robot.cameras, self._drawn.trigger)
        self._tells_state = given.publish_state
        self._window = Window(self._world) if given.view else None
        self._step_s = 1.0 / robot.control_rate_hz
        self._waits, self._factor = given.waits, given.real_time_factor
        debt_s = _DEBT_S if given.waits else 0.5 * self._step_s / self._factor
        self._pace = Pace(self._step_s, self._factor, _PATIENCE_S, debt_s)
        if given.stands:
            self._pace.stand(True, time.monotonic())
        self._clock_time = SimClock(robot.control_rate_hz, round(robot.control_rate_hz / robot.tick_rate_hz))
        names = (*robot.joint_names, *robot.gripper_names)
        told = robot.control.interface
        self._side = RobotSide(names, len(robot.joint_names), robot.safety.robot_timeout_s, told)
        self._put_back_ns = -1
        self._said = ClockMsg(clock=ticks.stamp(self._clock_time.nanoseconds))
        self._openings = self._world.gripper_positions()
        self._prefix = prefix(self)
        self._base = f"{self._prefix}{robot.base_frame}"
        still = np.zeros_like(self._openings)
        self._joints = joint_state(self._world, robot, still, self._said.clock, self._base)
        self._connect()

    def _connect(self) -> None:
        publish = self.create_lifecycle_publisher
        self._clock_out = publish(ClockMsg, "/clock", 10)
        self._joints_out = publish(JointState, "joint_states", qos.JOINT_SOURCE)
        self._task_out = publish(TaskState, "segue/task_state", qos.STATE)
        self._scene_out = publish(MarkerArray, "segue/scene", qos.LATCHED)
        self._arms = tuple(arm.name for arm in self._robot.arms)
        self._resets_out = publish(UInt64, "sim/was_reset", qos.STATE)
        self._paused_out = publish(Bool, "sim/paused", qos.LATCHED)
        self._state_out = publish(SimState, "sim/state", qos.RECENT)
        self._pictures_out = {
            name: (
                publish(Image, f"{name}_camera/image_raw", qos.SENSOR_SOURCE),
                publish(CameraInfo, f"{name}_camera/camera_info", qos.SENSOR_SOURCE),
            )
            for name in self._robot.cameras
        }
        commands = qos.ANSWERS if self._waits else qos_profile_sensor_data
        self.create_subscription(JointTrajectory, "joint_command", self._on_command, commands)
        self.create_subscription(ClockMsg, "sim/answered", self._on_answer, qos.COMMAND)
        self.create_service(ResetWorld, "sim/reset", self._on_reset)
        self.create_service(SetBool, "sim/pause", self._on_pause)

    def start(self) -> None:
        """Let time pass."""
        self._paused_out.publish(Bool(data=self._pace.standing))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._due_timer = self.create_timer(self._step_s / self._factor, self._on_due, clock=steady)
        self._timers_made = [
            self._due_timer,
            self.create_timer(_SPEED_PERIOD_S, self._say_speed, clock=steady),
            self.create_timer(_STANDING_PERIOD_S, self._say_standing, clock=steady),
        ]

    def stop(self) -> None:
        """Stop time."""
        for timer in self._timers_made:
            self.destroy_timer(timer)

    def teardown(self) -> None:
        """Free the window and the renderers."""
        if self._window:
            self._window.close()
        self._pictures.close()

    def _on_due(self) -> None:
        """A step, if one is due and nobody has to be waited for."""
        if self._clock_time.next_on_tick and self._pictures.busy:
            return
        now_s = time.monotonic()
        gave_up = self._pace.gave_up
        if self._pace.may_step(self._clock_time.nanoseconds, now_s):
            if self._pace.gave_up > gave_up:
                self.get_logger().error(
                    f"no answer from the controller for {_PATIENCE_S:g} s: time goes on without it"
                )
            self._on_step()
            self._pace.stepped(now_s)
            if self._waits:  # the next step comes with the next answer, and without one a step later
                self._due_timer.reset()

    def _on_step(self) -> None:
        target = self._side.target(self._clock_time.seconds)
        if target:
            self._world.apply(target.positions, target.grippers, target.velocities, target.efforts)
        else:
            self._world.hold()
        self._world.advance(self._step_s)
        self._clock_time.advance()
        stamp = ticks.stamp(self._clock_time.nanoseconds)
        if self._clock_time.on_tick or not self._waits:  # a controller that waits is driven by joint states
            self._said = ClockMsg(clock=stamp)
            self._clock_out.publish(self._said)
        openings = self._world.gripper_positions()
        speeds = (openings - self._openings) / self._step_s
        self._openings = openings
        self._joints = joint_state(self._world, self._robot, speeds, stamp, self._base)
        self._joints_out.publish(self._joints)
        if self._clock_time.on_tick:
            self._on_tick()

    def _on_tick(self) -> None:
        stamp = ticks.stamp(self._clock_time.nanoseconds)
        if self._tells_state:
            self._state_out.publish(state_message(snapshot.take(self._world), stamp))
        self._pictures.take(self._world.data, partial(self._show, stamp))
        state = self._world.task_state()
        self._task_out.publish(conversions.task_state_to_msg(state, self._task.name, self._world.seed, stamp))
        if self._world.tick % _SCENE_TICKS == 0:
            scene = surroundings(self._world.model, self._world.data, self._arms)
            self._scene_out.publish(scene_to_msg(scene, self._base, stamp))
        if self._window:
            self._window.show()

    def _show(self, stamp: Time, pictures: Pictures) -> None:
        for name, picture in pictures.items():
            image_out, info_out = self._pictures_out[name]
            frame = f"{self._prefix}{optical_frame(name)}"
            image_out.publish(images.to_message(picture, "rgb8", stamp, frame))
            info_out.publish(camera_info(frame, self._robot.cameras[name], stamp))

    def _on_command(self, message: JointTrajectory, info: Mapping[str, Any]) -> None:
        if self._is_of_the_past(ticks.nanoseconds(message.header.stamp)):
            self._note_answer(message.header.stamp)
            return
        try:
            if self._side.holding:
                sole_sender.refuse_second_publisher(self, "joint_command")
            if len(message.points) != 1:
                got = f"{len(message.points)} points"
                raise ControlError(
                    ErrorCode.CONTROL_WRONG_SHAPE, "joint command", got=got, expected="one point"
                )
            point, now_s = message.points[0], self._clock_time.seconds
            names, positions = tuple(message.joint_names), np.array(point.positions)
            speeds, efforts = np.array(point.velocities, np.float64), np.array(point.effort, np.float64)
            self._side.receive(names, positions, now_s, speeds, efforts, sole_sender.sender_of(info))
        except ControlError as error:
            self.get_logger().error(f"joint command refused: {error}", throttle_duration_sec=1.0)
            return
        self._note_answer(message.header.stamp)

    def _is_of_the_past(self, stamp_ns: int) -> bool:
        """Whether a command was on its way when the world was put back, or when it went on without its sender."""
        late_ns = self._clock_time.nanoseconds - round(self._robot.safety.robot_timeout_s * 1e9)
        return stamp_ns > 0 and (stamp_ns <= self._put_back_ns or (self._waits and stamp_ns < late_ns))

    def _on_answer(self, message: ClockMsg) -> None:
        self._note_answer(message.clock)

    def _note_answer(self, stamp: Time) -> None:
        if not (self._waits and self.is_active):
            return
        self._pace.answer(ticks.nanoseconds(stamp))
        time.sleep(
            min(self._pace.until_due(time.monotonic()), self._step_s)
        )  # cheaper than being woken once more
        self._on_due()

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._pace.stand(bool(request.data), time.monotonic())
        self._paused_out.publish(Bool(data=bool(request.data)))
        response.success, response.message = True, "time stands" if request.data else "time goes on"
        return response

    def _say_standing(self) -> None:
        """A paused world says so by repeating its time, and its joint states with their old stamp."""
        if not self._pace.standing:
            return
        self._clock_out.publish(self._said)  # for whoever begins meanwhile
        if self._waits:
            self._joints_out.publish(self._joints)
        if self._window:
            self._window.show()

    def _say_speed(self) -> None:
        speed, standing = self._pace.speed(time.monotonic()), self._pace.standing
        if speed < _SLOW * self._factor and not standing:
            self.get_logger().info(f"running at {speed:.2f} of real time", throttle_duration_sec=30.0)

    def _on_reset(self, request: ResetWorld.Request, response: ResetWorld.Response) -> ResetWorld.Response:
        if request.seed < 0:
            error = ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "seed", got=request.seed, expected="0 or more"
            )
            response.success, response.error_code = False, int(error.code)
            response.error_text = error.advised
            return response
        self._resets_out.publish(UInt64(data=int(request.seed)))
        self._pictures.finish()  # the seed paints the world anew
        self._world.reset(int(request.seed))
        self._side.clear()
        self._put_back_ns = self._clock_time.nanoseconds
        self._openings = self._world.gripper_positions()
        response.success, response.error_text = True, f"world {request.seed} is at its start"
        return response


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run(SimulatorNode))
