"""The perception node: cameras and joint states in, one synchronised observation per control tick out.

An observation leaves as soon as every sensor has delivered its sample of the tick, or, when one is late, at a
deadline with the newest sample that is still near enough.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from numpy.typing import NDArray
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image, JointState

from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.errors import ErrorCode, PerceptionError, SegueError
from segue_core.figures import told_apart
from segue_core.wire import info_of
from segue_interfaces.msg import Observation, PolicyInfo
from segue_perception.camera import CameraFrame
from segue_perception.colours import decompressed, to_rgb
from segue_perception.state import ProprioceptiveState
from segue_perception.sync import JOINTS, Sample, Synchroniser
from segue_ros import conversions, parameters, perception_status, qos, ticks
from segue_ros.executor import waiting_messages
from segue_ros.joint_states import JointStateReader
from segue_ros.lifecycle import LifecycleComponent, run

_DEADLINE_TICKS = 0.9  # how long after its tick an observation waits for a late sensor
_SIMULATED_DEADLINE_TICKS = (
    2.9  # a simulated clock that waits is at most two ticks ahead of its observations,
)
_SIMULATED_DEADLINE_S = 0.16  # and ticks may be short
_FINDING_S = 3.0  # a sensor that has never sent is missed then: publishers are found one after the other
_FINDING_STAMPED_S = (
    1.0  # and at the earliest so much of the sensors' own time later: a world may stand at first
)
_AHEAD_S = 0.1  # of this node's clock a stamp may be; a simulated clock may be read later than pictures
_OTHER_CLOCK_NS = 10_000_000_000  # stamps that are this far from the node's clock are on another one
_SIMULATED_LOOK_S = 0.03  # on the steady clock: what a busy machine has not read yet is not late


class PerceptionParameters(StrictModel):
    """Parameters of the perception node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    image_width: int = Field(
        default=96,
        ge=8,
        le=4096,
        description="width of the pictures in observations, until a policy says its own [pixels]",
    )
    image_height: int = Field(
        default=72,
        ge=8,
        le=4096,
        description="height of the pictures in observations, until a policy says its own [pixels]",
    )


class PerceptionNode(LifecycleComponent):
    """Node `perception`; see README.md for its topics. `steady_ns` is the clock of freshness of a robot."""

    def __init__(self, steady_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__("perception")
        self._steady_ns = steady_ns

    def setup(self) -> None:
        """Builds the synchroniser and its publishers."""
        values = parameters.declare(self, PerceptionParameters)
        self._robot = load_robot(values.robot_file)
        self._rate_hz = self._robot.tick_rate_hz
        self._simulated = bool(self.get_parameter("use_sim_time").value)
        self._sync = Synchroniser(self._robot, (values.image_width, values.image_height))
        self._state = ProprioceptiveState(self._robot)
        self._reader = JointStateReader(self._robot)
        self._observations = self.create_lifecycle_publisher(
            Observation, "segue/observation", qos.OBSERVATION
        )
        self._diagnostics = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)

    def start(self) -> None:
        """Subscribes to the sensors and begins with the tick that comes."""
        self._last_tick, self._newest_ns = -1, -1
        self._fault: PerceptionError | None = None
        self._first_ns: tuple[int, int] | None = (
            None  # steady time and stamp of the first sample since the start
        )
        self._stamps: dict[str, int] = {}  # the last of every stream
        self._sync.clear()
        self._pictures: dict[str, Subscription[Image]] = {}
        self._joints: Any = self.create_subscription(
            JointState, "joint_states", self._on_joint_states, qos.JOINTS
        )
        self._subscriptions_made = [
            self._joints,
            self.create_subscription(PolicyInfo, "segue/policy_info", self._on_policy_info, qos.LATCHED),
            *(made for camera in self._robot.cameras for made in self._subscribe(camera)),
        ]
        self._timers_made = [
            self._look_for_late(),
            self.create_timer(1.0, self._diagnose),
        ]

    def _look_for_late(self) -> "Timer":
        if self._simulated:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            return self.create_timer(_SIMULATED_LOOK_S, self._on_deadline, clock=steady)
        return self.create_timer(0.25 / self._rate_hz, self._on_deadline)

    def stop(self) -> None:
        """Leaves the sensors alone."""
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        for timer in self._timers_made:
            self.destroy_timer(timer)

    def teardown(self) -> None:
        """Takes the publishers down."""
        self.destroy_publisher(self._observations)
        self.destroy_publisher(self._diagnostics)

    def _subscribe(self, camera: str) -> "tuple[Subscription[Image], Subscription[CompressedImage]]":
        """Raw pictures and compressed ones: a bag that is played back has only the latter."""
        topic = f"{camera}_camera/image_raw"
        raw: Subscription[Image] = self.create_subscription(
            Image, topic, lambda message: self._on_raw(camera, raw, message), qos.SENSOR
        )
        self._pictures[camera] = raw
        compressed = partial(self._on_compressed, camera)
        return raw, self.create_subscription(CompressedImage, f"{topic}/compressed", compressed, qos.SENSOR)

    def _on_raw(self, camera: str, source: "Subscription[Image]", message: Image) -> None:
        """All that have come, beside the joint states that have: read late, they would seem to be of another time."""
        pictures = [message, *(more for more, _ in waiting_messages(source))]
        for more, _ in waiting_messages(self._joints):
            self._take_joint_states(more)
        self._take_pictures(camera, to_rgb, pictures)

    def _on_compressed(self, camera: str, message: CompressedImage) -> None:
        """Where a camera sends both, the raw pictures count."""
        if self.count_publishers(self.resolve_topic_name(f"{camera}_camera/image_raw")) == 0:
            self._take_pictures(camera, lambda sent: decompressed(sent.data), [message])

    def _on_policy_info(self, message: PolicyInfo) -> None:
        """Pictures are made as large as the policy reads them."""
        try:
            info = info_of(message)
        except SegueError as error:
            self.get_logger().error(f"policy refused: {error}")
            return
        if info.cameras:
            self._sync.show_at(info.image_size)

    def _take_pictures(
        self, camera: str, convert: Callable[[Any], NDArray[np.uint8]], messages: Sequence[Any]
    ) -> None:
        """The newest of them says whether the camera's clock is that of the joints."""
        stamps = [ticks.nanoseconds(message.header.stamp) for message in messages]
        for stamp_ns in stamps:
            self._notice(camera, stamp_ns)
        try:
            self._refuse_ahead(camera, stamps[-1])
            self._sync.compare(camera, stamps[-1], self._fresh_ns())
        except PerceptionError as error:
            self._refuse(camera, error)
            return
        for message, stamp_ns in zip(messages, stamps, strict=True):
            if stamp_ns <= stamps[-1]:  # otherwise it is from before a reset of the world
                self._take_picture(camera, convert, message, stamp_ns)

    def _take_picture(
        self, camera: str, convert: Callable[[Any], NDArray[np.uint8]], message: Any, stamp_ns: int
    ) -> None:
        try:
            image = _read(camera, convert, message)
            self._sync.add_frame(camera, CameraFrame(image, stamp_ns), self._fresh_ns())
        except PerceptionError as error:
            self._refuse(camera, error)
            return
        self._publish_if_complete(stamp_ns)

    def _on_joint_states(self, message: JointState) -> None:
        """All that have come: one at a time, a busy machine would fall behind robots that tell their joints often."""
        self._take_joint_states(message)
        for more, _ in waiting_messages(self._joints):
            self._take_joint_states(more)

    def _take_joint_states(self, message: JointState) -> None:
        if not self._reader.concerns(message):
            return
        try:
            sample = self._reader.read(message)
        except PerceptionError as error:
            self._refuse(JOINTS, error)
            return
        if sample is not None:
            self._notice(JOINTS, sample.stamp_ns)
            state = self._state(sample.q, sample.grippers)
            self._sync.add_state(state, sample.stamp_ns, self._fresh_ns())
            self._publish_if_complete(sample.stamp_ns)

    def _notice(self, stream: str, stamp_ns: int) -> None:
        """Begins anew when a stream's stamps jump back by more than its own disorder: the world was reset."""
        if stamp_ns < self._stamps.get(stream, 0) - round(2e9 / self._rate_hz):
            self._sync.clear()
            self._last_tick, self._newest_ns = -1, -1
            self._stamps.clear()
        self._stamps[stream], self._newest_ns = stamp_ns, max(self._newest_ns, stamp_ns)
        if self._first_ns is None:
            self._first_ns = (self._steady_ns(), stamp_ns)

    def _refuse_ahead(self, camera: str, stamp_ns: int) -> None:
        """Nobody takes a picture of what is to come: such a camera is on another clock than the rest."""
        now_ns, foreign = self._now()
        if not self._simulated and not foreign and stamp_ns - now_ns > _AHEAD_S * 1e9:
            got, allowed = told_apart((stamp_ns - now_ns) * 1e-6, _AHEAD_S * 1e3)
            text = f"camera '{camera}': its stamps are ahead of the clock"
            raise PerceptionError(
                ErrorCode.FRAME_SKEWED, text, got=f"{got} ms", expected=f"at most {allowed} ms"
            )

    def _publish_if_complete(self, stamp_ns: int) -> None:
        tick = ticks.nearest_tick(stamp_ns, self._rate_hz)
        if tick > self._last_tick and self._sync.complete(tick) and not self._sync.begins_after(tick):
            self._publish(tick)

    def _on_deadline(self) -> None:
        if not self._stamps:
            return
        for camera, source in self._pictures.items():
            for more, _ in waiting_messages(source):
                self._on_raw(camera, source, more)
        if silence := self._sync.silence(self._fresh_ns()):
            self._report(silence)
        now_ns, foreign = self._now()
        patience_s = _DEADLINE_TICKS / self._rate_hz
        if self._simulated or foreign:
            patience_s = max(_SIMULATED_DEADLINE_S, _SIMULATED_DEADLINE_TICKS / self._rate_hz)
        tick = ticks.tick_of(now_ns - round(patience_s * 1e9), self._rate_hz)
        if tick > self._last_tick and not self._finding(tick):
            self._publish(tick)

    def _fresh_ns(self) -> int:
        """Now, for what is alive: a camera of a slow simulation is not silent between two of its pictures."""
        return self.get_clock().now().nanoseconds if self._simulated else self._steady_ns()

    def _now(self) -> tuple[int, bool]:
        """Now [ns] by the clock of the stamps, and whether it is another than this node's, as when a bag is played."""
        now_ns = self.get_clock().now().nanoseconds
        if any(abs(now_ns - stamp_ns) < _OTHER_CLOCK_NS for stamp_ns in self._stamps.values()):
            return now_ns, False
        return self._newest_ns, True  # it may stand, as when the player is paused

    def _finding(self, tick: int) -> bool:
        """Whether nobody could have seen a tick: sensors that have not sent yet may still be found, or it is older."""
        if self._sync.heard_all:
            return self._sync.begins_after(tick)
        if self._first_ns is None:
            return True
        first_ns, first_stamp_ns = self._first_ns
        passed_ns = self._now()[0] - first_stamp_ns
        return self._steady_ns() - first_ns < _FINDING_S * 1e9 or passed_ns < _FINDING_STAMPED_S * 1e9

    def _publish(self, tick: int) -> None:
        self._last_tick = tick
        try:
            sample = self._sync.assemble(tick, self._fresh_ns())
        except PerceptionError as error:
            self._report(error)
            return
        self._fault = None
        self._observations.publish(self._message(sample))

    def _message(self, sample: Sample) -> Observation:
        stamps = {name: ticks.stamp(stamp_ns) for name, stamp_ns in sample.stamps_ns.items()}
        stamp = ticks.stamp_of(sample.observation.tick, self._rate_hz)
        return conversions.observation_to_msg(
            sample.observation, self._robot.action_space, stamp, stamps, sample.skew_ns * 1e-9
        )

    def _refuse(self, stream: str, error: PerceptionError) -> None:
        self._sync.refused(stream, error, self._fresh_ns())
        self._report(error)

    def _report(self, error: PerceptionError) -> None:
        """A tick without an observation: policies that ask for it are refused, which stops the robot."""
        begins, self._fault = self._fault is None or self._fault.code is not error.code, error
        self.get_logger().warning(str(error), throttle_duration_sec=1.0)
        if begins:
            self._diagnose()

    def _diagnose(self) -> None:
        fault = self._fault
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if fault else DiagnosticStatus.OK,
            name=perception_status.NAME,
            message=str(fault) if fault else f"tick {self._last_tick}",
            hardware_id=self._robot.name,
            values=[KeyValue(key=key, value=value) for key, value in perception_status.told(fault).items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def _read(camera: str, convert: Callable[[Any], NDArray[np.uint8]], message: Any) -> NDArray[np.uint8]:
    try:
        return convert(message)
    except PerceptionError as error:
        raise PerceptionError(error.code, f"camera '{camera}': {error.text}") from error


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(PerceptionNode))


if __name__ == "__main__":
    main()
