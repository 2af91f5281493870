"""A robot under ros2_control, rehearsed: its controllers' topics and parameters, and MuJoCo for its arms.

    ros2 run segue_sim rehearsal --ros-args -p robot_file:=config/robots/dual_arm.yaml \
        -p task_file:=config/tasks/pick_place.yaml
    segue run sim:=none hardware:=rehearsal camera_set:=rehearsal policy:=hold

It knows nothing of Segue's own topics: whoever moves it does so as they would a real one.
"""

import sys
import time
from collections.abc import Sequence
from functools import partial

import numpy as np
from builtin_interfaces.msg import Time
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ControlError, ErrorCode, clipped
from segue_ros import images, parameters, qos, ticks
from segue_ros.frames import optical_frame, prefix
from segue_ros.lifecycle import LifecycleComponent, run
from segue_sim.episode import Episode
from segue_sim.node.sensor_messages import camera_info
from segue_sim.picture_thread import Pictures, PictureThread
from segue_sim.rehearsal.trajectory_controller import Knot, TrajectoryController

_LONGEST_S = 0.1  # a process that was held up for longer does not make up for it


class RehearsalParameters(StrictModel):
    """Parameters of the rehearsal robot; the later ones have the names that real controllers give them."""

    robot_file: str = Field(description="path of the robot's YAML file")
    task_file: str = Field(description="path of the task's YAML file: what is on the table")
    seed: int = Field(default=0, ge=0, description="seed of the table")
    cameras: bool = Field(default=False, description="also publish pictures, as camera drivers do")
    controller: str = Field(
        default="joint_trajectory", description="joint_trajectory, position_array or velocity_array"
    )
    joints: tuple[str, ...] = Field(default=("",), description="joints of the controller, in its order")
    interface_name: str = Field(default="", description="what an array holds: position or velocity")
    allow_trajectory_replacement: bool = Field(
        default=False, description="splice trajectories at their stamps"
    )
    interpolate_from_desired_state: bool = Field(
        default=True, description="begin trajectories at the last command, not at the measured state"
    )


class RehearsalRobot(LifecycleComponent):
    """Node `arm_controller`, so called because a controller of ros2_control is a node with its own parameters."""

    def __init__(self) -> None:
        super().__init__("arm_controller")

    def setup(self) -> None:
        """Builds the world and the controllers' topics."""
        given = parameters.declare(self, RehearsalParameters)
        self._robot = load_robot(given.robot_file)
        task = load_file(given.task_file, TaskConfig, "task")
        self.world = Episode(self._robot, task, given.seed, render=False)
        order = given.joints if any(given.joints) else self._robot.joint_names
        self._order = [self._robot.joint_names.index(name) for name in order]
        self._targets = self.world.joint_positions()
        self._speeds = np.zeros_like(self._targets)
        self._openings = self.world.gripper_positions()
        self._travel = np.array([arm.gripper.open_m or 1.0 for arm in self._robot.arms])
        self._controller = TrajectoryController(
            self._targets,
            self._robot.physics_step_s,
            splices=given.allow_trajectory_replacement,
            from_desired=given.interpolate_from_desired_state,
        )
        self._kind = given.controller
        self._connect(given)
        self._drawing = (
            PictureThread(self.world.model, self._robot.cameras, lambda: None) if given.cameras else None
        )

    def _connect(self, given: RehearsalParameters) -> None:
        states = "joint_state_broadcaster/joint_states"
        self._states = self.create_lifecycle_publisher(JointState, states, qos.JOINT_SOURCE)
        if given.controller == "joint_trajectory":
            topic = "arm_controller/joint_trajectory"
            self.create_subscription(JointTrajectory, topic, self._on_trajectory, qos.COMMAND)
        else:
            self.create_subscription(
                Float64MultiArray, "arm_controller/commands", self._on_array, qos.COMMAND
            )
        for index, arm in enumerate(self._robot.arms):
            self.create_subscription(
                Float64MultiArray,
                f"{arm.name}_gripper_controller/commands",
                lambda message, index=index: self._on_gripper(index, message),
                qos.COMMAND,
            )
        self._pictures = {
            name: (
                self.create_lifecycle_publisher(Image, f"{name}_camera/image_raw", qos.SENSOR_SOURCE),
                self.create_lifecycle_publisher(CameraInfo, f"{name}_camera/camera_info", qos.SENSOR_SOURCE),
            )
            for name in (self._robot.cameras if given.cameras else ())
        }

    def start(self) -> None:
        """Switches the robot on."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._last_s = time.monotonic()
        self._timers_made = [
            self.create_timer(1.0 / self._robot.control_rate_hz, self._on_step, clock=steady)
        ]
        if self._drawing:
            period = 1.0 / self._robot.tick_rate_hz
            self._timers_made.append(self.create_timer(period, self._on_picture, clock=steady))

    def stop(self) -> None:
        """Switches it off."""
        for timer in self._timers_made:
            self.destroy_timer(timer)

    def teardown(self) -> None:
        """Frees the renderers."""
        if self._drawing:
            self._drawing.close()

    def _on_step(self) -> None:
        now_s = time.monotonic()
        step_s = self._robot.physics_step_s
        steps = round(min(now_s - self._last_s, _LONGEST_S) / step_s)
        self._last_s += steps * step_s if now_s - self._last_s <= _LONGEST_S else now_s - self._last_s
        ros_s = self.get_clock().now().nanoseconds * 1e-9
        for step in range(steps):
            self.advance(ros_s - (steps - 1 - step) * step_s)
        self.publish_states()

    def advance(self, ros_s: float) -> None:
        """One step of physics, with the controllers' word for this moment."""
        if self._kind == "joint_trajectory":
            self._targets, _ = self._controller.sample(ros_s)
        elif self._kind == "velocity_array":
            self._targets = self._targets + self._speeds * self._robot.physics_step_s
        self.world.apply(self._targets, self._openings)
        self.world.advance(self._robot.physics_step_s)

    def publish_states(self) -> None:
        """Tells the driver where the joints are."""
        self._states.publish(self.measured())

    def measured(self) -> JointState:
        """Joints [rad, rad/s], and one finger per arm [m]."""
        fingers = [f"{arm.name}_finger" for arm in self._robot.arms]
        travel = self._travel * self.world.gripper_positions()
        message = JointState(name=[*self._robot.joint_names, *fingers])
        message.header.stamp = self.get_clock().now().to_msg()
        message.position = [*self.world.joint_positions().tolist(), *travel.tolist()]
        message.velocity = [*self.world.joint_velocities().tolist(), *[0.0] * len(fingers)]
        return message

    def _on_trajectory(self, message: JointTrajectory) -> None:
        try:
            points = self._knots(message)
        except ControlError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        stamp_s = ticks.nanoseconds(message.header.stamp) * 1e-9
        now_s = self.get_clock().now().nanoseconds * 1e-9
        here = Knot(now_s, self.world.joint_positions(), self.world.joint_velocities())
        self._controller.receive(points, stamp_s or None, now_s, here)

    def _knots(self, message: JointTrajectory) -> list[Knot]:
        """Points in the robot's order; raises ControlError for what a controller refuses, too."""
        names, order = list(message.joint_names), self._robot.joint_names
        if sorted(names) != sorted(order) or not message.points:
            got, expected = f"{len(message.points)} points for {names}", f"one or more for {', '.join(order)}"
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, "trajectory", got=clipped(got), expected=expected
            )
        index, count = [names.index(name) for name in order], len(order)
        return [
            Knot(
                _seconds(point.time_from_start),
                _values(point.positions, count, "positions")[index],
                _values(point.velocities, count, "velocities")[index],
            )
            for point in message.points
        ]

    def _on_array(self, message: Float64MultiArray) -> None:
        try:
            values = _values(message.data, len(self._order), "command")
        except ControlError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        target = self._speeds if self._kind == "velocity_array" else self._targets
        changed = target.copy()
        changed[self._order] = values
        if self._kind == "velocity_array":
            self._speeds = changed
        else:
            self._targets = changed

    def _on_gripper(self, index: int, message: Float64MultiArray) -> None:
        try:
            (opening,) = _values(message.data, 1, "gripper command")
        except ControlError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        openings = self._openings.copy()
        openings[index] = np.clip(opening / self._travel[index], 0.0, 1.0)
        self._openings = openings

    def _on_picture(self) -> None:
        if (
            self._drawing and not self._drawing.busy
        ):  # a slow machine gives fewer pictures, as a slow camera does
            self._drawing.take(self.world.data, partial(self._show, self.get_clock().now().to_msg()))

    def _show(self, stamp: Time, pictures: Pictures) -> None:
        for name, picture in pictures.items():
            frame = f"{prefix(self)}{optical_frame(name)}"
            image_out, info_out = self._pictures[name]
            image_out.publish(images.to_message(picture, "rgb8", stamp, frame))
            info_out.publish(camera_info(frame, self._robot.cameras[name], stamp))


def _values(numbers: Sequence[float], count: int, what: str) -> Floats:
    """(count,) finite numbers; ControlError when they are not."""
    values = np.array(numbers, dtype=np.float64)
    if values.shape != (count,):
        raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, what, got=values.size, expected=count)
    if not np.isfinite(values).all():
        raise ControlError(ErrorCode.CONTROL_NOT_FINITE, what, got=values.tolist())
    return values


def _seconds(duration: object) -> float:
    return float(duration.sec + duration.nanosec * 1e-9)  # type: ignore[attr-defined]


def main() -> None:
    """Runs the robot; the exit status says how it ended."""
    sys.exit(run(RehearsalRobot))


if __name__ == "__main__":
    main()
