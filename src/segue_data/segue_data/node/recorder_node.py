"""The recorder node: raw subscriptions into a `RecordingSession`, and services to start and stop it.

It never commands anything: when recording fails the robot goes on, and /diagnostics says so.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from pydantic import Field
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from segue_core.contracts.base import StrictModel
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.disk_room import RECORDING_MB
from segue_core.errors import ConfigError, DataError, ErrorCode, SegueError
from segue_core.files import load_config
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.manifest import Manifest
from segue_data.bags.namespaces import GLOBAL, in_namespace
from segue_data.bags.qos import LATCHED, RELIABLE, SENSOR
from segue_data.bags.topic import Topic
from segue_data.bags.topics import (
    CLOCK,
    CLOCK_TYPE,
    GATHERED_TOPICS,
    JOINT_STATES,
    LATCHED_TOPICS,
    run_topics,
)
from segue_data.node.recording_clock import RecordingClock
from segue_data.recording.compression import COMPRESSED, RAW, compress_image
from segue_data.recording.rates import Rates
from segue_data.recording.receipts import Onward, Receipts
from segue_data.recording.rest import RestWatch
from segue_data.recording.session import Closed, RecordingSession
from segue_interfaces.srv import StartRecording, StopRecording
from segue_ros import qos
from segue_ros.executor import waiting_messages
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.parameters import declare
from segue_ros.waiting import until

_DRAIN_S = 0.5
_CLOCK_S = 3.0  # how long a start waits for the first word of a simulated clock
_REST_S, _REST_WALL_S = 5.0, 12.0  # how long a stop waits for rest, in the robot's time and at most in any
_SILENCE_S = 0.5  # when joint states are missing
_NOTHING_STARTED = (StartRecording.Request(), "")
_PICTURES, _OTHERS = 50, 500  # what may wait while a busy machine keeps the recorder from running


def _profile(kind: str) -> QoSProfile:
    depth = _PICTURES if kind == RAW else _OTHERS
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.BEST_AVAILABLE
    )


class RecorderParameters(StrictModel):
    """Parameters of the recorder node."""

    root: str = Field(default="runs", description="folder that episodes are written below")
    robot_file: str = Field(description="robot contract (YAML), absolute path")
    task_file: str = Field(default="", description="task contract (YAML) for the instruction; may be empty")
    topics: tuple[str, ...] = Field(
        default=("",),
        description="more topics, each as '/name package/msg/Type' (or a relative name), besides those of a run",
    )
    compress_images: bool = Field(default=True, description="store camera images as JPEG (CompressedImage)")
    jpeg_quality: int = Field(default=95, ge=1, le=100, description="JPEG quality of stored camera images")
    operator: str = Field(default="", description="who records, for the manifest")
    source: str = Field(
        default="", description="what commands the robot, for the manifest: gamepad, a policy"
    )
    keep_doubtful: bool = Field(
        default=True,
        description="keep episodes with dropped, late or frozen streams, flagged; else delete them",
    )
    min_free_mb: int = Field(
        default=RECORDING_MB, ge=1, le=1_000_000, description="free space below which recording stops [MB]"
    )


def _message_class(type_name: str) -> type:
    try:
        package, _, name = type_name.split("/")
        return getattr(importlib.import_module(f"{package}.msg"), name)  # type: ignore[no-any-return]
    except (ValueError, ImportError, AttributeError) as error:
        text = f"recorder cannot load message type {type_name!r}"
        raise ConfigError(
            ErrorCode.CONFIG_UNKNOWN_NAME, text, expected="package/msg/Type that is installed"
        ) from error


def _extra(entries: tuple[str, ...]) -> dict[str, str]:
    pairs = [entry.split() for entry in entries if entry]
    if bad := [pair for pair in pairs if len(pair) != 2]:
        text = "parameter `topics` of the recorder"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, text, got=" ".join(bad[0]), expected="/name package/msg/Type"
        )
    return dict(pairs)


class Recorder(LifecycleComponent):
    """Lifecycle node `recorder`. One thread, so services and subscriptions never run at the same time."""

    rest_s = 0.01  # messages gather in the queues, and carry the time when they came

    def __init__(self) -> None:
        super().__init__("recorder")
        self._settings = declare(self, RecorderParameters)
        self._taken = self._stopping = 0

    def setup(self) -> None:
        """Subscribe to everything and offer the services."""
        self._time = RecordingClock(self)
        robot = load_config(self._settings.robot_file, RobotConfig, "robot")
        names, sources = self._sources(robot)
        stored = {self._stored_name(name, kind): self._stored(name, kind) for name, kind in sources.items()}
        self._session = RecordingSession(
            Path(self._settings.root),
            stored,
            self._facts(robot),
            min_free_bytes=self._settings.min_free_mb * 1_000_000,
            latched=LATCHED_TOPICS,
            on_event=self._report,
            robot=robot,
            keep_doubtful=self._settings.keep_doubtful,
            names={
                self._stored_name(n, kind): self._stored_name(names[n], kind) for n, kind in sources.items()
            },
        )
        self._started = _NOTHING_STARTED
        self._stopped: tuple[StopRecording.Request, StopRecording.Response] | None = None
        self._rates = Rates()
        self._joints, self._rest = robot.joint_names, RestWatch(())
        reports, failures = self._session.repair()
        for report in reports:
            self.get_logger().warning(f"recovered {report.bag}: {report.messages} messages, {report.why}")
        for failure in failures:
            self.get_logger().error(failure.text)
        self._time.listen(partial(self._session.write, CLOCK))
        self._inputs = [self._subscribe(name, kind) for name, kind in sources.items() if name != CLOCK]
        self._diagnostics = self.create_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        self._offers = [
            self.create_service(
                StartRecording,
                "segue/record/start",
                self._on_start,
                callback_group=ReentrantCallbackGroup(),  # subscriptions go on while it waits for the clock
            ),
            self.create_service(
                StopRecording,
                "segue/record/stop",
                self._on_stop,
                callback_group=ReentrantCallbackGroup(),  # subscriptions go on while it drains
            ),
        ]
        self._watch = self.create_timer(1.0, self._on_watch, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _sources(self, robot: RobotConfig) -> tuple[dict[str, str], dict[str, str]]:
        """Names in the bag, and types, of all topics to record: by their plain names, see `namespaces`."""
        run, extra = self._run_topics(robot), _extra(self._settings.topics)
        own = self.get_namespace().rstrip("/")
        names = {name: in_namespace(name, own) for name in run}
        if self._time.simulated:
            names[CLOCK], run[CLOCK] = self._time.name, CLOCK_TYPE
        more = {self.resolve_topic_name(name): kind for name, kind in extra.items()}
        more = {name: kind for name, kind in more.items() if name not in names.values()}
        self._foreign = frozenset(more)
        return names | {name: name for name in more}, run | more

    def _run_topics(self, robot: RobotConfig) -> dict[str, str]:
        """Those of a run whose types are there: a ROS 2 from wheels may lack tf2_msgs, and then nobody sends frames."""
        run, there = run_topics(robot.cameras), find_spec("tf2_msgs") is not None
        if not there:
            self.get_logger().warning("no tf2_msgs, so no /tf in recordings; ./segue setup builds it")
        return {name: kind for name, kind in run.items() if there or not kind.startswith("tf2_msgs/")}

    def _heard(self, name: str) -> str:
        """What to subscribe to: a run's topics are relative, and may be remapped."""
        return name if name in self._foreign or name in GLOBAL else name.removeprefix("/")

    def stop(self) -> None:
        """Close an episode that is still open."""
        if self._session.recording:
            self._closing("aborted", discard=False)

    def teardown(self) -> None:
        """Undo `setup`."""
        self.destroy_timer(self._watch)
        self._time.close()
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        for service in self._offers:
            self.destroy_service(service)
        self.destroy_publisher(self._diagnostics)

    def _report(self, text: str) -> None:
        """Log an event; may be called from the writer's thread."""
        self.get_logger().error(text)

    def _facts(self, robot: RobotConfig) -> Manifest:
        facts = Manifest(
            task="",
            robot=robot.name,
            config_hash=robot.fingerprint(),
            action_space=robot.action_space_name,
            tick_rate_hz=robot.tick_rate_hz,
            operator=self._settings.operator,
            extra={"source": self._settings.source} if self._settings.source else {},
            namespace=self.get_namespace().rstrip("/"),
        )
        if not (path := self._settings.task_file):
            return facts
        task = load_config(path, TaskConfig, "task")
        return replace(facts, task=task.name, instruction=task.instruction)

    def _compressed(self, kind: str) -> bool:
        return kind == RAW and self._settings.compress_images

    def _stored_name(self, name: str, kind: str) -> str:
        return f"{name}/compressed" if self._compressed(kind) else name

    def _stored(self, name: str, kind: str) -> Topic:
        if self._compressed(kind):
            return Topic(COMPRESSED, SENSOR, compress_image(ImageCodec("jpeg", self._settings.jpeg_quality)))
        if name in LATCHED_TOPICS:
            return Topic(kind, LATCHED)
        return Topic(kind, SENSOR if kind.startswith("sensor_msgs/") else RELIABLE)

    def _subscribe(self, name: str, kind: str) -> Any:
        stored, receipts, logged = self._stored_name(name, kind), Receipts(), Onward()

        def take(data: bytes, info: Mapping[str, Any]) -> None:
            self._taken += 1
            if self._stopping and name == JOINT_STATES:
                self._rest.note(data)
            wall_ns = receipts.at(info)
            self._session.write(stored, logged.after(self._time.at(wall_ns)), data, wall_ns)

        def take_all(data: bytes, info: Mapping[str, Any]) -> None:
            """An executor takes one message of a topic at a time, and there may be several."""
            self._time.hear()
            take(data, info)
            for more in waiting_messages(subscription):
                take(*more)

        profile = qos.LATCHED if name in LATCHED_TOPICS else _profile(kind)
        if name in GATHERED_TOPICS:
            profile = qos.GATHERED
        subscription: Any = self.create_subscription(
            _message_class(kind), self._heard(name), take_all, profile, raw=True
        )
        return subscription

    async def _on_start(
        self, request: StartRecording.Request, response: StartRecording.Response
    ) -> StartRecording.Response:
        time_known = await until(self, lambda: self._time.begun, _CLOCK_S)

        def begin() -> None:
            if not time_known:
                text = f"use_sim_time is true, and for {_CLOCK_S:g} s nobody has published {CLOCK}"
                do = "start the simulator or whoever has the clock, or set use_sim_time to false"
                raise DataError(ErrorCode.DATA_NOT_RECORDING, text, do=do)
            if request.episode and request == self._started[0]:  # asked again: the first answer was lost
                response.path = self._started[1]
                return
            self._time.hear()
            now_ns = self._time.at(time.time_ns())
            folder = self._session.start(request.episode, request.task, request.seed, now_ns)
            response.path = str(folder.absolute())
            self._started = (request, response.path)

        return self._answer(response, begin, "recording")

    async def _drain(self) -> None:
        """Take what had arrived before a stop was asked for: until 20 ms bring nothing new, at most 0.5 s."""
        seen = -1

        def quiet() -> bool:
            nonlocal seen
            before, seen = seen, self._taken
            return before == seen

        await until(self, quiet, _DRAIN_S)

    async def _rests(self) -> None:
        """Record on until the measured joints stand still: the robot may still brake when its run is over."""
        if not self._stopping:
            self._rest = RestWatch(self._joints)
        self._stopping += 1
        rest, heard, at = self._rest, -1, 0.0

        def done() -> bool:
            nonlocal heard, at
            if rest.heard != heard:
                heard, at = rest.heard, time.monotonic()
            return rest.still or rest.watched_s > _REST_S or time.monotonic() - at > _SILENCE_S

        try:
            if not await until(self, done, _REST_WALL_S) or (rest.watched_s > _REST_S and not rest.still):
                text = f"the robot still moves ({rest.speed_rad_s:.2f} rad/s) {rest.watched_s:.1f} s after the stop"
                self.get_logger().warning(f"{text}: the recording ends before it rests")
        finally:
            self._stopping -= 1

    async def _on_stop(
        self, request: StopRecording.Request, response: StopRecording.Response
    ) -> StopRecording.Response:
        asked_about = self._started
        if self._session.recording and not request.discard:
            await self._rests()
        await self._drain()
        if self._stopped is not None and self._asked_again(request, asked_about):
            return self._stopped[1]

        def end() -> None:
            outcome = request.outcome or ("success" if request.task_success else "failure")
            closed = self._session.stop(outcome, discard=request.discard)
            response.path = str(closed.folder.absolute()) if closed.folder else ""
            response.messages, response.lost = closed.messages, closed.lost
            response.duration_s = closed.duration_s
            response.error_text = "; ".join(closed.problems)
            self._tell(closed)

        answer = self._answer(response, end, "")
        if answer.success:
            self._started, self._stopped = _NOTHING_STARTED, (request, answer)
        return answer

    def _asked_again(self, request: StopRecording.Request, asked_about: tuple[Any, str]) -> bool:
        """Whether the answer was lost, or late: what the request is about is closed, whatever is recorded by now."""
        last = self._stopped is not None and request == self._stopped[0]
        return self._started is not asked_about or (last and not self._session.recording)

    def _answer(self, response: Any, action: Callable[[], None], done: str) -> Any:
        try:
            action()
            response.success, response.error_code = True, 0
            response.error_text = done or response.error_text
        except SegueError as error:
            self.get_logger().error(str(error))
            response.success, response.error_code, response.error_text = False, int(error.code), error.advised
        return response

    def _closing(self, outcome: str, *, discard: bool) -> None:
        try:
            self._tell(self._session.stop(outcome, discard=discard))
        except SegueError as error:
            self.get_logger().error(str(error))

    def _tell(self, closed: Closed) -> None:
        if closed.problems:
            fate = f"flagged {closed.folder}" if closed.folder else "refused and deleted an episode"
            self.get_logger().warning(f"{fate}: {'; '.join(closed.problems)}")
        elif closed.folder:
            self.get_logger().info(f"closed {closed.folder}: {closed.messages} messages")

    def _on_watch(self) -> None:
        try:
            self._session.guard_disk()
        except SegueError as error:
            self.get_logger().error(str(error))
        self._diagnostics.publish(self._status())

    def _status(self) -> DiagnosticArray:
        session = self._session
        status = DiagnosticStatus(name="recorder", hardware_id=self._settings.root)
        bad = bool(session.failure) or session.dropped > 0
        status.level = (
            DiagnosticStatus.ERROR
            if session.failure
            else DiagnosticStatus.WARN
            if bad
            else DiagnosticStatus.OK
        )
        status.message = session.failure or ("recording" if session.recording else "idle")
        rates = self._rates.of(session.seen, time.monotonic())
        told = {**session.counts, "lost": session.dropped, **{f"hz {name}": hz for name, hz in rates.items()}}
        status.values = [KeyValue(key=name, value=str(value)) for name, value in told.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        return array


def main() -> None:
    """Entry point of the executable `recorder`."""
    sys.exit(run(Recorder))
