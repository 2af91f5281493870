"""One recorded episode as arrays on control ticks: what training sees of a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_core.joint_state_merge import JointMerge, max_age_ns
from segue_data.bags.encoding import picture
from segue_data.bags.joint_states import add_joints, why_no_state
from segue_data.bags.reader import read, stamp_ns
from segue_data.bags.topics import COMMAND, JOINT_STATES, OBSERVATION, image_topics
from segue_data.datasets.alignment import (
    Stamps,
    as_of,
    behind,
    check_ticks,
    in_order,
    is_fresh,
    whole_stretches,
)
from segue_data.errors import misaligned
from segue_perception.preprocess import resize
from segue_perception.sync import SyncLimits

StateFunction = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Joint positions and gripper openings (n + arms,) -> state (S,)."""

TOLERANCE_NS = SyncLimits().tolerance_ns  # a sample this little after its tick belongs to it, live and here
MAX_IMAGE_AGE_TICKS = 2.0
MAX_STATE_AGE_TICKS = 1.0


@dataclass(frozen=True)
class EpisodeArrays:
    """Rows are control ticks.

    images (frames, cams, height, width, 3) uint8 RGB, state (frames, S) float32, action (frames, D) float32,
    time_s (frames,) seconds since the first tick, from real stamps.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    time_s: NDArray[np.float64]


@dataclass
class _Stream:
    stamps: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    logged: list[int] = field(default_factory=list)
    gaps: list[tuple[int, str]] = field(default_factory=list)  # (stamp, why there was no value)

    def add(self, stamp: int, value: Any, log_ns: int) -> None:
        self.stamps.append(stamp)
        self.values.append(value)
        self.logged.append(log_ns)

    def why(self, tick_ns: int) -> str:
        """Why there is no newer value at a tick; empty when nothing is known."""
        return next((text for stamp, text in reversed(self.gaps) if stamp <= tick_ns), "")


def _collect(bag: Path, robot: RobotConfig, size: tuple[int, int] | None) -> dict[str, _Stream]:
    camera_of = {topic: camera for camera in robot.cameras for topic in image_topics(camera)}
    merge = JointMerge((*robot.joint_names, *robot.gripper_names), max_age_ns(robot.tick_rate_hz))
    streams = {name: _Stream() for name in (COMMAND, JOINT_STATES, OBSERVATION, *robot.cameras)}
    for record in read(bag, frozenset((COMMAND, JOINT_STATES, OBSERVATION, *camera_of))):
        message = record.message()
        stamp = stamp_ns(message.header)
        if record.topic == COMMAND:
            streams[COMMAND].add(stamp, (message.tick, message.action), record.log_ns)
        elif record.topic == JOINT_STATES:
            if (state := add_joints(merge, message, bag)) is not None:
                streams[JOINT_STATES].add(state.stamp_ns, state.positions, record.log_ns)
            else:
                streams[JOINT_STATES].gaps.append((stamp, why_no_state(merge)))
        elif record.topic == OBSERVATION:
            streams[OBSERVATION].add(stamp, np.asarray(message.state, dtype=np.float64), record.log_ns)
        else:
            place = f"{record.topic} at {stamp / 1e9:.3f} s"
            frame = resize(picture(message, str(bag), place), size) if size else np.empty(0, np.uint8)
            streams[camera_of[record.topic]].add(stamp, frame, record.log_ns)
    if merge.heard and not streams[JOINT_STATES].stamps:
        raise misaligned(bag, JOINT_STATES, why_no_state(merge))
    return streams


def _finite(values: NDArray[np.float64], bag: Path, stream: str) -> NDArray[np.float32]:
    if (bad := np.argwhere(~np.isfinite(values))).size:
        tick, entry = bad[0]
        raise misaligned(bag, f"{stream}, tick {tick}", f"entry {entry} is {values[tick, entry]}")
    return values.astype(np.float32)


def _actions(values: list[Any], dim: int, bag: Path) -> NDArray[np.float64]:
    widths = {len(action) for _, action in values}
    if widths - {dim}:
        raise misaligned(bag, COMMAND, f"got actions of width {sorted(widths)}, expected {dim}")
    return np.array([action for _, action in values], dtype=np.float64).reshape(-1, dim)


def read_frames(bag: Path, robot: RobotConfig, stamps: Stamps) -> dict[str, list[NDArray[np.uint8]]]:
    """Pictures (height, width, 3) by camera: for each of `stamps` (n,) [ns] the newest not later, or else the first.

    Raises:
        DataError: a picture is corrupt. A camera without frames is left out.
    """
    camera_of = {topic: camera for camera in robot.cameras for topic in image_topics(camera)}
    times: dict[str, list[int]] = {}
    for record in read(bag, frozenset(camera_of)):
        times.setdefault(record.topic, []).append(stamp_ns(record.message().header))
    wanted = {
        topic: np.maximum(
            np.searchsorted(np.asarray(seen), stamps + TOLERANCE_NS, side="right") - 1, 0
        ).tolist()
        for topic, seen in times.items()
    }
    found: dict[str, dict[int, NDArray[np.uint8]]] = {topic: {} for topic in wanted}
    counts = dict.fromkeys(wanted, 0)
    for record in read(bag, frozenset(camera_of)):
        number, counts[record.topic] = counts[record.topic], counts[record.topic] + 1
        if number in wanted[record.topic]:
            place = f"{record.topic}, frame {number}"
            found[record.topic][number] = picture(record.message(), str(bag), place)
    return {camera_of[topic]: [found[topic][n] for n in numbers] for topic, numbers in wanted.items()}


def _max_age_ns(age_ticks: float, robot: RobotConfig) -> int:
    return round(age_ticks * 1e9 / robot.tick_rate_hz) + TOLERANCE_NS


def _state_stream(streams: dict[str, _Stream]) -> str:
    """Where the state is: in a bag that was made from a dataset it is recorded as it is."""
    joints = streams[JOINT_STATES].stamps or not streams[OBSERVATION].stamps
    return JOINT_STATES if joints else OBSERVATION


def _numbers(commands: _Stream) -> NDArray[np.int64]:
    return np.array([tick for tick, _ in commands.values], dtype=np.int64)


def stretches(bag: Path, robot: RobotConfig) -> list[tuple[int, int]]:
    """(first command, number of commands) of what `read_episode` takes of a bag, in their order.

    Between them ticks are missing or off the rate, or have no fresh picture or state.

    Raises:
        DataError: corrupt messages, or stamps of a stream that go backwards.
    """
    streams = _collect(bag, robot, None)
    stamps = {name: in_order(s.stamps, source=bag, stream=name) for name, s in streams.items()}
    ticks = stamps[COMMAND]
    ages = dict.fromkeys(robot.cameras, MAX_IMAGE_AGE_TICKS) | {_state_stream(streams): MAX_STATE_AGE_TICKS}
    fresh = np.ones(ticks.size, dtype=np.bool_)
    for name, age_ticks in ages.items():
        fresh &= is_fresh(ticks + TOLERANCE_NS, stamps[name], _max_age_ns(age_ticks, robot))
    return whole_stretches(_numbers(streams[COMMAND]), ticks, fresh, rate_hz=robot.tick_rate_hz)


def read_episode(
    bag: Path,
    robot: RobotConfig,
    state_of: StateFunction,
    size: tuple[int, int] | None,
    rows: slice = slice(None),
) -> EpisodeArrays:
    """Resample the bag onto its control ticks.

    Tick k is the k-th `/segue/command`: its action is the row's action, its stamp the row's time, and images
    and joints are the newest not later than it (but for the live graph's tolerance of 4 ms: the clocks that stamp
    pictures and commands round differently).

    Args:
        size: (width, height) of the images in the result; None: they are not looked at, and not in it.
        rows: which commands of the bag are the episode.

    Raises:
        DataError: corrupt messages, missing ticks, stale or missing streams, values that are not finite.
    """
    streams = _collect(bag, robot, size)
    stamps = {name: in_order(s.stamps, source=bag, stream=name) for name, s in streams.items()}
    ticks = stamps[COMMAND][rows]
    usual = behind(streams[COMMAND].stamps, streams[COMMAND].logged)
    check_ticks(_numbers(streams[COMMAND])[rows], ticks, rate_hz=robot.tick_rate_hz, source=bag)

    def pick(stream: str, age_ticks: float) -> list[Any]:
        found = streams[stream]
        index = as_of(
            ticks + TOLERANCE_NS,
            stamps[stream],
            max_age_ns=_max_age_ns(age_ticks, robot),
            source=bag,
            stream=stream,
            behind_ns=behind(found.stamps, found.logged) - usual,
            why=found.why,
        )
        return [found.values[i] for i in index]

    frames = [np.stack(pick(camera, MAX_IMAGE_AGE_TICKS)) for camera in robot.cameras]
    source = _state_stream(streams)
    measured = pick(source, MAX_STATE_AGE_TICKS)
    state = np.stack([state_of(q) for q in measured] if source == JOINT_STATES else measured)
    return EpisodeArrays(
        images=np.stack(frames, axis=1),
        state=_finite(state, bag, JOINT_STATES),
        action=_finite(_actions(streams[COMMAND].values[rows], robot.action_space.dim, bag), bag, COMMAND),
        time_s=(ticks - ticks[0]) / 1e9,
    )
