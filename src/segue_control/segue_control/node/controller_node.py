"""The controller node: commands and joint states in, checked joint commands out at the control rate.

Freshness is judged by when messages are received. The loop runs on the steady clock, or on simulated time with
`use_sim_time`; when it was late it goes on from where it is: nothing is made up for. In a simulation whose clock waits
(`waits`) nothing is late: every joint state is answered by one cycle, and the first of a tick waits for the tick's
command.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from diagnostic_msgs.msg import DiagnosticArray
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import JointState
from std_msgs.msg import UInt64
from trajectory_msgs.msg import JointTrajectory

from segue_control.controller import RobotController
from segue_control.guard.jump_watch import JumpWatch
from segue_control.guard.ownership import CommandOwner
from segue_control.guard.safety_guard import GuardMode
from segue_control.loop import LoopWatch
from segue_control.node import messages
from segue_control.targets.joint_targets import joint_space
from segue_core import wire
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.errors import ControlError, ErrorCode, PerceptionError, SegueError, clipped
from segue_core.figures import told_apart
from segue_core.tick_gate import TickGate
from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm, EmergencyStop, Recover
from segue_ros import parameters, qos, sole_sender, ticks
from segue_ros.executor import waiting_messages
from segue_ros.joint_states import JointSample, JointStateReader
from segue_ros.lifecycle import LifecycleComponent, run

ResponseT = TypeVar("ResponseT", Arm.Response, Recover.Response)

_OVERRUN_LIMIT_NS = 100_000_000  # a loop that is later than this stops the robot
_SAFETY_PERIOD_S = 0.1
_DIAGNOSTICS_PERIOD_S = 1.0
_PATIENCE_NS = 2_500_000_000  # less than the silence that is borne
_SILENCE_S = 3.0  # borne where the simulated clock waits; a second elsewhere
_STOOD_STILL_NS = round(_SILENCE_S * 1e9)  # where time waits; elsewhere as late as a loop may be
_CALM_NS = 500_000_000  # joints that jumped are not armed from before they have not for so long
_CLOCK_LATE_NS = 100_000_000  # that /clock may be behind the joint states of its time
_LOOK_S = 0.05  # how often a cycle that waits looks whether patience is over
_PAST_LOOKS = 10  # until a clock has followed its joint states


class ControllerParameters(StrictModel):
    """Parameters of the controller node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    waits: bool = Field(
        default=False, description="the simulator waits for every cycle, which waits for its command"
    )


class ControllerNode(LifecycleComponent):
    """Node `controller`; see README.md for its topics and services. `steady_ns` is the clock of freshness."""

    def __init__(self, steady_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__("controller")
        self._steady_ns = steady_ns

    def setup(self) -> None:
        """Builds the controller and its connections; nothing is commanded yet."""
        given = parameters.declare(self, ControllerParameters)
        self._robot = load_robot(given.robot_file)
        self._gate = TickGate(_PATIENCE_NS) if given.waits else None
        self._due: JointState | None = None  # what a cycle must answer, as soon as its command has come
        self._answered_ns = -1
        self._early: JointState | None = None  # joint states whose clock has not followed yet
        self._past_looks = 0
        self._awake_ns = self._steady_ns()
        self._loop = LoopWatch(round(1e9 / self._robot.control_rate_hz))
        self._controller = RobotController(self._robot)
        if given.waits:
            self._controller.guard.bear_silence(_SILENCE_S)
        self._joint_space = joint_space(self._robot)
        self._reader = JointStateReader(self._robot)
        self._jumps = JumpWatch(self._robot.joint_names, self._controller.guard.limits.velocity)
        self._owner = CommandOwner(self._controller.guard.counts)
        self._measured: JointSample | None = None
        self._published_mode = GuardMode.DISARMED
        self._commands = self.create_lifecycle_publisher(JointTrajectory, "joint_command", qos.COMMAND)
        self._safety = self.create_lifecycle_publisher(SafetyState, "segue/safety", qos.STATE)
        self._diagnostics = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        self._answers = self.create_lifecycle_publisher(ClockMsg, "sim/answered", qos.COMMAND)
        states = qos.JOINT_SOURCE if self._gate else qos.SENSOR  # none may be lost where each one is answered
        self._joint_states = self.create_subscription(
            JointState, "joint_states", self._on_joint_states, states
        )
        self._subscriptions_made = [
            self.create_subscription(UInt64, "sim/was_reset", self._on_was_reset, qos.STATE),
            self.create_subscription(RobotCommand, "segue/command", self._on_command, qos.COMMAND),
            self._joint_states,
        ]
        self._services_made = [
            self.create_service(Arm, "segue/arm", self._on_arm),
            self.create_service(EmergencyStop, "segue/emergency_stop", self._on_emergency_stop),
            self.create_service(Recover, "segue/recover", self._on_recover),
        ]

    def start(self) -> None:
        """Starts the loop, disarmed."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._loop_clock = self.get_clock() if self.get_parameter("use_sim_time").value else steady
        self._loop.overruns, self._loop.last_ns = 0, None
        loop = (
            self.create_timer(_LOOK_S, self._look, clock=steady)
            if self._gate
            else self.create_timer(1.0 / self._robot.control_rate_hz, self._on_time, clock=self._loop_clock)
        )
        self._timers_made = [
            loop,
            self.create_timer(_SAFETY_PERIOD_S, self._report, clock=steady),
            self.create_timer(_DIAGNOSTICS_PERIOD_S, self._diagnose, clock=steady),
        ]

    def stop(self) -> None:
        """Stops the loop and says so; the robot's own timeout holds it where it is."""
        for timer in self._timers_made:
            self.destroy_timer(timer)
        text = "the controller node was deactivated, or ended"
        why = ControlError(ErrorCode.CONTROL_NOT_ARMED, text, do="activate it, then arm again")
        self._controller.guard.fall_silent(why, latch=False)
        self._report()
        self._controller.guard.restart()

    def teardown(self) -> None:
        """Takes the connections down."""
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        for service in self._services_made:
            self.destroy_service(service)
        for publisher in (self._commands, self._safety, self._diagnostics, self._answers):
            self.destroy_publisher(publisher)

    def _on_command(self, message: RobotCommand, info: Mapping[str, Any]) -> None:
        try:
            planned = message.action_space_fingerprint == self._joint_space.fingerprint()
            space = self._joint_space if planned else self._robot.action_space
            command = wire.command_of(message, space)
            self._admit(command.run_id, sole_sender.sender_of(info))
        except ControlError as error:
            self._warn(message, error)
            return
        try:
            self._take(command, planned)
        except ControlError as error:
            self._warn(message, error)
        self._note_command(message)

    def _admit(self, run_id: str, sender: bytes) -> None:
        """Notes who commands without having the robot; raises ControlError while somebody else has it."""
        now_ns = self._steady_ns()
        if self._controller.guard.mode is GuardMode.ARMED:
            self._owner.check(run_id, sender, now_ns)
        else:
            self._owner.note_refused(sender, now_ns)  # the guard says why

    def _take(self, command: wire.Command, planned: bool) -> None:
        if command.hold:
            self._controller.hold(command.tick, self._steady_ns())
        elif planned:
            self._controller.set_joint_target(command.action, command.tick, self._steady_ns())
        else:
            self._controller.set_target(command.action, command.tick, self._steady_ns())

    def _warn(self, message: RobotCommand, error: ControlError) -> None:
        self.get_logger().warning(f"tick {message.tick}: {error}", throttle_duration_sec=1.0)

    def _note_command(self, message: RobotCommand) -> None:
        if self._gate and self._controller.guard.mode is GuardMode.ARMED:
            self._gate.arrived(self._tick_of(message))
            self._answer()

    def _tick_of(self, message: RobotCommand | JointState) -> int:
        return ticks.tick_of(ticks.nanoseconds(message.header.stamp), self._robot.tick_rate_hz)

    def _on_joint_states(self, message: JointState) -> None:
        if not self._reader.concerns(message):
            return
        # A world that waits says nothing before it is answered: where more has come it gave up on this node.
        if self._gate:
            for newer, _ in waiting_messages(self._joint_states):
                message = newer if self._reader.concerns(newer) else message
        try:
            if self._of_the_past(message):
                return
            if (sample := self._reader.read(message)) is not None:
                self._jumps.refuse(sample.q, sample.stamp_ns)
                self._measured = sample
                self._controller.observe(sample.q, self._steady_ns(), sample.v)
        except SegueError as error:
            self._measured = None if error.code is ErrorCode.STATE_MISSING else self._measured
            self._controller.guard.bad_state(error.text)
            if ticks.nanoseconds(message.header.stamp) < self._answered_ns:
                return  # whose joints cannot be believed does not put the clock back
        self._note_state(message)

    def _of_the_past(self, message: JointState) -> bool:
        """Whether joint states are from before the last that were answered, and the clock is not.

        They may be a new world's, whose clock is late: they are looked at again, until it must have followed.

        Raises:
            PerceptionError: it has not for a while; they are somebody else's.
        """
        past_ns = self._answered_ns - ticks.nanoseconds(message.header.stamp)
        went_back = self.get_clock().now().nanoseconds <= self._answered_ns - _CLOCK_LATE_NS
        if self._gate is None or past_ns <= 0 or went_back:
            return False
        self._past_looks += 1
        if self._past_looks <= _PAST_LOOKS:
            self._early = message
            return True
        self._past_looks = 0
        text = "joint states: their stamp is of the past; see whether a second publisher tells them"
        got = f"{1e-9 * past_ns:.3f} s before the last ones"
        raise PerceptionError(ErrorCode.STATE_CORRUPT, text, got=got, expected="none older")

    def _look(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            self._on_joint_states(early)
        self._answer()

    def _note_state(self, message: JointState) -> None:
        if not self._gate:
            return
        if (
            ticks.nanoseconds(message.header.stamp) == self._answered_ns
        ):  # said again: somebody paused the world
            self._notice_standstill()
            self._controller.guard.time_stands(self._steady_ns())
            return
        self._due = message
        self._answer()

    def _answer(self) -> None:
        """Run the cycle that is due, unless it must wait for its command."""
        self._notice_standstill()
        armed = self._controller.guard.mode is GuardMode.ARMED
        if self._gate is None or self._due is None or not self.is_active:
            return
        if armed and not self._gate.is_open(self._tick_of(self._due), self._steady_ns()):
            return
        self._answered_ns, self._due = ticks.nanoseconds(self._due.header.stamp), None
        self._update(self._answered_ns, self._awake_ns)

    def _notice_standstill(self) -> None:
        """A process that stood still for longer than the world waits resumes nothing: the state it answers is old."""
        before_ns, self._awake_ns = self._awake_ns, self._steady_ns()
        if self._gate:
            self._stood_still(before_ns)

    def _stood_still(self, since_ns: int) -> bool:
        """Whether this process was stopped since a moment, which latches: what it had begun to do is about the past."""
        stood_ns, most_ns = self._steady_ns() - since_ns, _STOOD_STILL_NS if self._gate else _OVERRUN_LIMIT_NS
        if stood_ns <= most_ns:
            return False
        got, allowed = told_apart(stood_ns * 1e-9, most_ns * 1e-9, 1)
        text = "the controller itself stood still"
        stood = ControlError(ErrorCode.CONTROL_OVERRUN, text, got=f"{got} s", expected=f"at most {allowed} s")
        self._controller.guard.fall_silent(stood, latch=True)
        return True

    def _on_time(self) -> None:
        began_ns = self._steady_ns()
        self._update(self._loop_clock.now().nanoseconds, began_ns)

    def _update(self, now_ns: int, began_ns: int) -> None:
        guard = self._controller.guard
        late_ns = self._loop.cycle(now_ns)
        if late_ns < 0:
            self._begin_anew()
        if late_ns > _OVERRUN_LIMIT_NS:
            late = f"{late_ns * 1e-6:.0f} ms"
            guard.fall_silent(
                ControlError(ErrorCode.CONTROL_OVERRUN, "control loop was late", got=late), latch=True
            )
        self._stood_still(began_ns)
        if guard.mode is GuardMode.DISARMED or not guard.streaming:  # silent: the robot side holds by itself
            guard.cycle()
            self._say_done(now_ns)
        else:
            self._command(now_ns, began_ns)
        if guard.mode is not self._published_mode:
            self._report()

    def _command(self, now_ns: int, began_ns: int) -> None:
        command = self._controller.update(1.0 / self._robot.control_rate_hz, self._steady_ns())
        stamp = ticks.stamp(now_ns) if self._gate else self.get_clock().now().to_msg()
        message = messages.joint_trajectory(self._robot, command, stamp)
        if self._controller.ran_away or self._stood_still(began_ns):
            self._say_done(now_ns)
            return
        self._commands.publish(message)

    def _say_done(self, now_ns: int) -> None:
        """Where nothing is commanded, the simulator is told that it need not wait."""
        if self._gate:
            self._answers.publish(ClockMsg(clock=ticks.stamp(now_ns)))

    def _begin_anew(self) -> None:
        """The clock went backwards: a simulated world was put back, and what was commanded before is void.

        A fault that nobody has recovered from stays.
        """
        guard = self._controller.guard
        fault = guard.fault if guard.mode in (GuardMode.STOPPING, GuardMode.LATCHED) else None
        guard.restart()
        self._jumps.clear()
        self._past_looks = 0
        if fault is not None:
            guard.stop(fault)

    def _on_was_reset(self, _: UInt64) -> None:
        """The simulated world was put back: the arm is somewhere else, and a plan is about another world."""
        self._jumps.clear()
        text = "the simulated world was put back to its start (sim/reset) while the robot was armed"
        why = ControlError(
            ErrorCode.CONTROL_NOT_ARMED, text, do="send the goal again: its plan was about another world"
        )
        self._controller.guard.fall_silent(why, latch=False)
        self._report()

    def _report(self) -> None:
        now_ns = self._steady_ns()
        guard = self._controller.guard
        guard.watch(now_ns, joints_wait=self._due is not None if self._gate else None)
        if guard.mode is not self._published_mode:
            self.get_logger().info(f"{guard.mode}" + (f": {guard.fault}" if guard.fault else ""))
        self._published_mode = guard.mode
        stamp = self.get_clock().now().to_msg()
        self._safety.publish(messages.safety_state(self._controller, self._loop.overruns, now_ns, stamp))

    def _diagnose(self) -> None:
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(
            messages.diagnostics(self._controller, self._loop.overruns, self._robot, stamp)
        )

    def _on_arm(self, request: Arm.Request, response: Arm.Response) -> Arm.Response:
        try:
            self._arm() if request.arm else self._controller.guard.disarm()
        except SegueError as error:
            return _refused(response, error)
        if self._gate and request.arm:  # whoever arms commands next, before another tick passes
            self._gate.arrived(ticks.tick_of(self._answered_ns, self._robot.tick_rate_hz))
        elif self._gate:
            self._gate.release()
        self._report()
        response.success = True
        return response

    def _arm(self) -> None:
        if not self.is_active:
            raise ControlError(
                ErrorCode.CONTROL_NOT_ARMED,
                "the controller node is not active",
                do="wait until it is, or activate it",
            )
        sole_sender.refuse_namesakes(self)
        sole_sender.refuse_second_publisher(self, "joint_command")
        self.one_clock.refuse_rival()
        self._refuse_intruder()
        if self._gate and not self._answers.get_subscription_count():  # its time would not wait for this node
            text = "the simulator does not hear this node yet"
            raise ControlError(
                ErrorCode.CONTROL_STATE_STALE, text, got=f"nobody listens to {self._answers.topic_name}"
            )
        if self._measured is None:
            text = self._reader.why_none() or "no joint states received yet"
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, text)
        if self._jumps.jumped_ns is not None and self._measured.stamp_ns - self._jumps.jumped_ns < _CALM_NS:
            text = "joint states jump: see whether a second publisher tells the same joints"
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, text)
        self._controller.arm(self._measured.grippers, self._steady_ns())
        self._owner.release()
        self._loop.overruns, self._loop.last_ns = 0, None  # what happened while disarmed does not matter

    def _refuse_intruder(self) -> None:
        """Who commands a robot that it does not have would have it with the first command after arming."""
        intruder = self._owner.intruder(self._steady_ns())
        if intruder is not None and self._controller.guard.mode in (GuardMode.DISARMED, GuardMode.ARMED):
            who = sole_sender.name_of(self, "segue/command", intruder)
            text = f"{who} commands on segue/command without having the robot"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text, do="end that node, then arm")

    def _on_emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        self._controller.guard.emergency_stop(clipped(request.reason))  # told ten times a second from now on
        self._report()
        response.success = True
        return response

    def _on_recover(self, _: Recover.Request, response: Recover.Response) -> Recover.Response:
        try:
            self._controller.guard.recover()
        except ControlError as error:
            return _refused(response, error)
        self._report()
        response.success = True
        return response


def _refused(response: ResponseT, error: SegueError) -> ResponseT:
    response.success, response.error_code, response.error_text = False, int(error.code), error.advised
    return response


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(ControllerNode))


if __name__ == "__main__":
    main()
