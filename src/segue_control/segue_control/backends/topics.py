"""Any robot whose driver speaks over ROS topics: what they are called and what is in them is configuration.

Jaco2 and Fetch are reached like this through ros1_bridge, ARX arms through their ROS 2 nodes; see docs/hardware.md.
"""

from collections.abc import Callable, Mapping
from functools import partial

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node

from segue_control.backends.base import MeasuredRobot
from segue_control.device_topics.grippers import GripperWriter, gripper_writer
from segue_control.device_topics.names import in_full
from segue_control.device_topics.probe import Listener, Probe
from segue_control.device_topics.readers import subscribe
from segue_control.device_topics.writers import (
    ArrayWriter,
    JointStateWriter,
    MessageWriter,
    PoseWriter,
    TrajectoryWriter,
    Writer,
)
from segue_control.hardware.mapping import gripper_axes, joint_axes
from segue_control.hardware.motion import Motion
from segue_control.hardware.settings import CommandTopic, TopicOptions
from segue_control.hardware.states import StateAssembler
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_core.contracts.base import parse_model
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode

_STOP_REPEATS = 5  # a stop of speeds is said so often, in case somebody was not listening
_OUR_STATES = "joint_states"


class TopicBackend:
    """See `Backend`. `options` are `TopicOptions`."""

    def __init__(
        self, node: Node, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]
    ) -> None:
        self._now_s = now_s
        self.node, self.robot, self.hardware = node, robot, hardware
        where = f"hardware of robot '{robot.name}': options"
        self.options = in_full(node, parse_model(hardware.options, TopicOptions, where))
        self.axes = joint_axes(robot, self.options.joints)
        self._hands = grippers = gripper_axes(robot, self.options.grippers)
        self._refuse_own_echo()
        self._kinematics = Kinematics(robot)
        self._limits = joint_limits(robot, self._kinematics.low, self._kinematics.high)
        ordered = [grippers[name] for name in robot.gripper_names]
        self._states = StateAssembler(list(self.axes.values()), ordered, robot.safety.state_timeout_s)
        self._grippers = [
            gripper_writer(node, self.options.grippers[name].command, grippers[name])
            for name in robot.gripper_names
        ]
        self._openings: dict[str, float] = {}
        self._unmeasured = [name for name in robot.gripper_names if not self.options.grippers[name].joint]
        self.writers = {topic.topic: self._writer(topic) for topic in self.options.commands}
        self._moving: Motion | None = None
        self._stops_left = 0
        self._read_s = -float("inf")
        self._subscriptions = [subscribe(node, topic, self._take) for topic in self.options.states]
        self._timers = [
            node.create_timer(
                1.0 / topic.rate_hz,
                partial(self._on_rate, topic),
                clock=Clock(clock_type=ClockType.STEADY_TIME),
            )
            for topic in self.options.commands
            if topic.rate_hz
        ]

    def connect(self) -> tuple[str, ...]:
        """Waits for everybody who must be there."""
        with Probe(self.node) as probe:
            for state in self.options.states:
                self._wait_for_states(probe, state.topic)
            for name, writer in zip(self.robot.gripper_names, self._grippers, strict=True):
                self._wait_for_gripper(probe, name, writer)
            return tuple(note for topic in self.options.commands for note in self._meet(probe, topic))

    def _wait_for_states(self, probe: Probe, topic: str) -> None:
        if not probe.wait(lambda: probe.publishers(topic) > 0, self.hardware.connect_timeout_s):
            raise self._absent(f"nobody publishes joint states on {topic}")

    def _wait_for_gripper(self, probe: Probe, name: str, writer: GripperWriter) -> None:
        if not probe.wait(writer.heard, self.hardware.connect_timeout_s):
            command = self.options.grippers[name].command
            raise self._absent(f"nobody takes commands of {name} on {command.topic} ({command.kind})")

    def _meet(self, probe: Probe, topic: CommandTopic) -> tuple[str, ...]:
        listeners = self.wait_for_listener(probe, topic)
        return (f"{topic.topic} ({topic.kind}) is heard by {', '.join(one.node for one in listeners)}",)

    def wait_for_listener(self, probe: Probe, topic: CommandTopic) -> list[Listener]:
        """Who takes commands from the topic; raises ControlError when nobody does."""
        if not probe.wait(lambda: bool(probe.listeners(topic.topic)), self.hardware.connect_timeout_s):
            raise self._absent(f"nobody listens on {topic.topic} ({topic.kind})")
        return probe.listeners(topic.topic)

    def read(self, now_s: float) -> MeasuredRobot | None:
        """The newest joints and openings, once every arm joint was told anew."""
        if self._unmeasured:
            self._states.assume({name: self._openings.get(name, 1.0) for name in self._unmeasured}, now_s)
        at_s = self._states.measured_s
        sample = self._states.sample(now_s) if at_s > self._read_s else None
        if sample is None:
            return None
        self._read_s = at_s
        return MeasuredRobot(*sample, at_s)

    def write(self, motion: Motion, now_s: float) -> None:
        """Sends the motion to topics that take it at once, and notes it for those with a rate."""
        self._moving = motion
        for topic in self.options.commands:
            if not topic.rate_hz:
                self._send(topic, motion)
        for name, writer, opening in zip(
            self.robot.gripper_names, self._grippers, motion.grippers.tolist(), strict=True
        ):
            self._openings[name] = opening
            writer.send(opening, now_s)

    def stop(self, now_s: float) -> None:
        """Ends the motion: trajectories end by themselves, positions are kept, speeds become zero."""
        self._moving, self._stops_left = None, _STOP_REPEATS
        for writer in self.writers.values():
            writer.stop()
        for gripper in self._grippers:
            gripper.forget()

    def fault(self) -> ControlError | None:
        """Topics tell of no faults; a robot that does not follow is noticed by the link."""
        return None

    def recover(self) -> None:
        """Nothing to clear from here: a driver's own fault is cleared with the driver's own tools."""

    def close(self) -> None:
        """Ends the motion and disconnects."""
        self.stop(self._now_s())
        for timer in self._timers:
            self.node.destroy_timer(timer)
        for subscription in self._subscriptions:
            self.node.destroy_subscription(subscription)
        self._timers, self._subscriptions = [], []

    def _on_rate(self, topic: CommandTopic) -> None:
        if self._moving is not None:
            self._send(topic, self._moving)
        elif self._stops_left > 0:
            self._stops_left -= 1
            self.writers[topic.topic].stop()

    def _send(self, topic: CommandTopic, motion: Motion) -> None:
        sample = self._states.sample(self._now_s())
        self.writers[topic.topic].send(motion, motion.q if sample is None else sample[0])

    def _take(self, positions: Mapping[str, float]) -> None:
        self._states.take(positions, self._now_s())

    def _writer(self, topic: CommandTopic) -> Writer:
        node, axes, limits = self.node, self.axes, self._limits
        if topic.kind == "joint_trajectory":
            period_s = 1.0 / (topic.rate_hz or self.robot.control_rate_hz)
            return TrajectoryWriter(node, topic, axes, limits, period_s)
        if topic.kind in ("position_array", "velocity_array"):
            return ArrayWriter(node, topic, axes, limits)
        if topic.kind == "joint_state":
            return JointStateWriter(node, topic, axes)
        if topic.kind == "pose":
            return PoseWriter(node, topic, self.robot, self._kinematics)
        return MessageWriter(node, topic, axes, limits, self._hands)

    def _refuse_own_echo(self) -> None:
        """The states that we publish must not come back as the robot's own."""
        ours = set(self.robot.joint_names)
        same = ours & {axis.theirs for axis in self.axes.values()}
        states = self.node.resolve_topic_name(_OUR_STATES)
        if same and any(topic.topic == states for topic in self.options.states):
            raise ConfigError(
                ErrorCode.CONFIG_CONFLICT,
                f"robot '{self.robot.name}': its driver publishes our own joint names on {states}",
                got=", ".join(sorted(same)),
                do="give its topic another name (joint_state_broadcaster: use_local_topics: true) and name that under "
                "states",
            )

    def _absent(self, text: str) -> ControlError:
        waited = f"waited {self.hardware.connect_timeout_s:g} s"
        do = f"see that the driver of '{self.robot.name}' runs, on this ROS domain (docs/hardware.md)"
        return ControlError(ErrorCode.CONTROL_HARDWARE, f"{text} ({waited})", do=do)


def create(
    node: Node, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]
) -> TopicBackend:
    """The back end `topics`."""
    return TopicBackend(node, robot, hardware, now_s)
