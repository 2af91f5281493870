"""Brings cameras and joint states together into one observation per control tick.

    camera frames    ----|------|------|------|--     newest stamp <= tick + tolerance, at most max_age old
    joint states     -|-|-|-|-|-|-|-|-|-|-|-|-|-|     newest stamp <= tick + tolerance
    tick k                          |

Stamps say what belongs together; whether a stream is alive is judged by when its messages were received, on
the clock of freshness: the steady one, or that of a simulation, which is as slow as its machine and may be set back.
Pure: no ROS and no clock.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PerceptionError
from segue_core.figures import told_apart
from segue_core.joint_state_merge import TICK_TOLERANCE_NS
from segue_core.observation import Observation
from segue_perception.camera import CameraFrame
from segue_perception.frozen import FrozenRule, FrozenWatch
from segue_perception.preprocess import resize

JOINTS = "joint states"
_KEPT_FRAMES = 8
_KEPT_STATES = 128
_SPEAKING_NS = (
    100_000_000  # joint states that came so lately are of now; a simulated clock at 10 Hz is so coarse
)
_STANDING_MOTION = 0.1  # [m or rad] what an arm may move before a camera that stands must see it
_CARRIED_MOTION = 0.02  # the same for the arm that carries the camera


@dataclass(frozen=True)
class SyncLimits:
    """What may go into one observation."""

    tolerance_ns: int = TICK_TOLERANCE_NS  # a sample this little after its tick still belongs to it
    max_age_ns: int = 50_000_000  # oldest sample, before the tick
    max_silence_ns: int = 200_000_000  # longest time without a message of a stream, on the clock of freshness
    # Of a picture that comes, against the newest joint states: it may take its time. 2.5 and 1.5 ticks if that is more.
    max_behind_ns: int = 250_000_000
    max_ahead_ns: int = 150_000_000


@dataclass(frozen=True)
class Sample:
    """An observation, the exposure times of its pictures [ns] and the span of all its sample times [ns]."""

    observation: Observation
    stamps_ns: dict[str, int]
    skew_ns: int


@dataclass
class _Stream:
    """Recent frames of one camera, newest last."""

    size: tuple[int, int]
    watch: FrozenWatch
    frames: deque[CameraFrame]
    received_ns: int | None = None


class Synchroniser:
    """Collects what the sensors of one robot send and makes observations of it. One thread."""

    def __init__(
        self, robot: RobotConfig, image_size: tuple[int, int], limits: SyncLimits | None = None
    ) -> None:
        self.limits = limits or SyncLimits()
        self._rate_hz, self._image_size = robot.tick_rate_hz, image_size
        self._streams = {
            name: _Stream(
                (camera.width, camera.height),
                FrozenWatch(_frozen_rule(robot, name)),
                deque(maxlen=_KEPT_FRAMES),
            )
            for name, camera in robot.cameras.items()
        }
        # When all streams had begun: their first stamps since the start, a reset or another size; the latest of them.
        self._begin_ns = -1
        self._states: deque[tuple[int, Floats]] = deque(maxlen=_KEPT_STATES)
        self._state_received_ns: int | None = None
        self._refused: dict[str, tuple[PerceptionError, int]] = {}  # since the last good sample of a stream

    def clear(self) -> None:
        """Forgets all samples: a new episode."""
        for stream in self._streams.values():
            stream.frames.clear()
        self._states.clear()
        self._refused.clear()
        self._begin_ns = -1

    def show_at(self, image_size: tuple[int, int]) -> None:
        """Pictures of (width, height) from now on; those of another size are forgotten."""
        if image_size != self._image_size:
            self._image_size = image_size
            for stream in self._streams.values():
                stream.frames.clear()

    def refused(self, stream: str, error: PerceptionError, now_ns: int) -> None:
        """A camera's picture, or joint states (`JOINTS`), that came at `now_ns` and cannot be used."""
        self._refused[stream] = (error, now_ns)

    def add_frame(self, camera: str, frame: CameraFrame, now_ns: int) -> None:
        """Takes a frame received at `now_ns`.

        Raises:
            PerceptionError: FRAME_CORRUPT when its size is not the camera's; it is not used.
        """
        stream = self._streams[camera]
        if frame.image.shape[1::-1] != stream.size:
            got, expected = (
                f"{frame.image.shape[1]}x{frame.image.shape[0]}",
                f"{stream.size[0]}x{stream.size[1]}",
            )
            raise PerceptionError(
                ErrorCode.FRAME_CORRUPT, f"camera '{camera}': frame size", got=got, expected=expected
            )
        stream.received_ns = now_ns
        self._refused.pop(camera, None)
        stream.watch.frame(frame.image, now_ns)
        if not stream.frames:
            self._begin_ns = max(self._begin_ns, frame.stamp_ns)
        if not stream.frames or frame.stamp_ns > stream.frames[-1].stamp_ns:
            stream.frames.append(CameraFrame(resize(frame.image, self._image_size), frame.stamp_ns))

    def compare(self, camera: str, stamp_ns: int, now_ns: int) -> None:
        """Judge a camera's clock by its newest picture, which came at `now_ns` with the joint states of that time.

        Raises:
            PerceptionError: FRAME_SKEWED. It would be taken for a punctual one, with pictures of another time.
        """
        if not self._joints_speak(now_ns):
            return  # it is the joints that are missed then, and when they come again this picture is compared with them
        apart_ns = stamp_ns - self._states[-1][0]
        way, most_ns = (
            ("ahead of", self._most_apart_ns[1]) if apart_ns > 0 else ("behind", self._most_apart_ns[0])
        )
        if abs(apart_ns) > most_ns:
            got, allowed = told_apart(abs(apart_ns) * 1e-6, most_ns * 1e-6)
            text = f"camera '{camera}': its stamps are {way} those of the joints"
            raise PerceptionError(
                ErrorCode.FRAME_SKEWED, text, got=f"{got} ms", expected=f"at most {allowed} ms"
            )

    def add_state(self, state: Floats, stamp_ns: int, now_ns: int) -> None:
        """Takes a measured state (D,), finite, received at `now_ns`."""
        compared = self._joints_speak(now_ns)
        self._state_received_ns = now_ns
        self._refused.pop(JOINTS, None)
        for stream in self._streams.values():
            stream.watch.motion(state, now_ns)
        if not compared:
            self._forget_apart(stamp_ns)
        if not self._states or stamp_ns > self._states[-1][0]:
            self._states.append((stamp_ns, state))

    def begins_after(self, tick: int) -> bool:
        """Whether a tick is from before the first frames (since a start, a reset, another size) or all that is kept."""
        kept = [stream.frames[0].stamp_ns for stream in self._streams.values() if stream.frames]
        kept += [self._states[0][0]] if self._states else []
        return self._time(tick) + self.limits.tolerance_ns < max([self._begin_ns, *kept])

    def silence(self, now_ns: int) -> PerceptionError | None:
        """What is wrong with a stream that fell silent; None as long as some have sent nothing yet."""
        try:
            for name in self._streams if self.heard_all else ():
                with self._explained(name, now_ns):
                    self._refuse_silent_camera(name, now_ns)
        except PerceptionError as error:
            return error
        return None

    @property
    def heard_all(self) -> bool:
        """Whether every stream has sent something at some time."""
        heard = all(stream.received_ns is not None for stream in self._streams.values())
        return heard and self._state_received_ns is not None

    def complete(self, tick: int) -> bool:
        """Whether every stream has a sample taken at the tick itself: waiting can bring nothing newer."""
        earliest = self._time(tick) - self.limits.tolerance_ns
        newest = [stream.frames[-1].stamp_ns for stream in self._streams.values() if stream.frames]
        if len(newest) < len(self._streams) or not self._states:
            return False
        return min(*newest, self._states[-1][0]) >= earliest

    def assemble(self, tick: int, now_ns: int) -> Sample:
        """The observation of a tick.

        Raises:
            PerceptionError: a stream is missing, silent, frozen, or has no sample near enough to the tick.
        """
        frames = {}
        for name in self._streams:
            with self._explained(name, now_ns):
                frames[name] = self._frame(name, tick, now_ns)
        with self._explained(JOINTS, now_ns):
            state_stamp, state = self._state(tick, now_ns)
        times = [state_stamp, *(frame.stamp_ns for frame in frames.values())]
        pictures = {name: frame.image for name, frame in frames.items()}
        observation = Observation(tick, state.astype(np.float32), pictures)
        stamps = {name: frame.stamp_ns for name, frame in frames.items()}
        return Sample(observation, stamps, max(times) - min(times))

    def _frame(self, name: str, tick: int, now_ns: int) -> CameraFrame:
        stream = self._streams[name]
        self._refuse_silent_camera(name, now_ns)
        if stream.watch.frozen(now_ns):
            raise PerceptionError(
                ErrorCode.FRAME_FROZEN, f"camera '{name}' repeats one picture while the robot moves"
            )
        for frame in reversed(stream.frames):
            if frame.stamp_ns <= self._time(tick) + self.limits.tolerance_ns:
                self._refuse_old(f"camera '{name}'", tick, frame.stamp_ns)
                return frame
        raise PerceptionError(
            ErrorCode.FRAME_SKEWED, f"camera '{name}' has only frames from after tick {tick}"
        )

    def _refuse_silent_camera(self, name: str, now_ns: int) -> None:
        stream = self._streams[name]
        if stream.received_ns is None:
            raise PerceptionError(ErrorCode.FRAME_MISSING, f"camera '{name}' has sent nothing yet")
        stream.received_ns = min(stream.received_ns, now_ns)
        self._refuse_silence(ErrorCode.FRAME_STALE, f"camera '{name}' is silent", now_ns - stream.received_ns)

    def _state(self, tick: int, now_ns: int) -> tuple[int, Floats]:
        if self._state_received_ns is None:
            raise PerceptionError(ErrorCode.STATE_MISSING, "no joint states yet")
        self._state_received_ns = min(self._state_received_ns, now_ns)
        silence = now_ns - self._state_received_ns
        self._refuse_silence(ErrorCode.STATE_MISSING, "joint states have stopped", silence)
        for stamp_ns, state in reversed(self._states):
            if stamp_ns <= self._time(tick) + self.limits.tolerance_ns:
                self._refuse_old(JOINTS, tick, stamp_ns)
                return stamp_ns, state
        raise PerceptionError(ErrorCode.FRAME_SKEWED, f"only joint states from after tick {tick}")

    @contextmanager
    def _explained(self, stream: str, now_ns: int) -> Iterator[None]:
        """That what came cannot be used says more than that nothing usable came."""
        try:
            yield
        except PerceptionError:
            error, at_ns = self._refused.get(stream, (None, 0))
            if error is not None and now_ns - at_ns <= self.limits.max_silence_ns:
                raise error.with_traceback(None) from None
            raise

    def _joints_speak(self, now_ns: int) -> bool:
        received_ns = self._state_received_ns if self._states else None
        return received_ns is not None and now_ns - received_ns <= _SPEAKING_NS

    def _forget_apart(self, stamp_ns: int) -> None:
        """Pictures that came while there were no joint states to compare them with."""
        behind_ns, ahead_ns = self._most_apart_ns
        for stream in self._streams.values():
            near = [frame for frame in stream.frames if -behind_ns <= frame.stamp_ns - stamp_ns <= ahead_ns]
            stream.frames = deque(near, maxlen=_KEPT_FRAMES)

    @property
    def _most_apart_ns(self) -> tuple[int, int]:
        """Behind and ahead."""
        tick_ns = 1e9 / self._rate_hz
        return max(self.limits.max_behind_ns, round(2.5 * tick_ns)), max(
            self.limits.max_ahead_ns, round(1.5 * tick_ns)
        )

    def _refuse_silence(self, code: ErrorCode, text: str, silence_ns: int) -> None:
        most = self.limits.max_silence_ns
        if silence_ns > most:
            got, allowed = told_apart(silence_ns * 1e-9, most * 1e-9, 2)
            raise PerceptionError(code, text, got=f"{got} s", expected=f"at most {allowed} s")

    def _refuse_old(self, what: str, tick: int, stamp_ns: int) -> None:
        age = self._time(tick) - stamp_ns
        if age > self.limits.max_age_ns:
            got, allowed = told_apart(age * 1e-6, self.limits.max_age_ns * 1e-6)
            text = f"{what}: too far from tick {tick}"
            raise PerceptionError(
                ErrorCode.FRAME_SKEWED, text, got=f"{got} ms", expected=f"at most {allowed} ms"
            )

    def _time(self, tick: int) -> int:
        return round(tick * 1e9 / self._rate_hz)


def _frozen_rule(robot: RobotConfig, camera: str) -> FrozenRule:
    """A carried camera must see its own arm move; a standing one, any arm."""
    carrier = robot.cameras[camera].mount.partition("/")[0]
    arms = [arm.name for arm in robot.arms]
    watched = [carrier] if carrier in arms else arms
    indices = tuple(index for arm in watched for index in robot.action_space.motion_of(arm))
    return FrozenRule(indices, _CARRIED_MOTION if carrier in arms else _STANDING_MOTION)
