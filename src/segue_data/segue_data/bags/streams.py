"""What a check needs to remember of a recording: stamps, picture digests, commands and joints, by topic.

Filled message by message, so the recorder can watch an episode while it writes it, and `segue data check` can read
a finished bag, with the same conclusions.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ChannelKind
from segue_core.contracts.robot import RobotConfig
from segue_data import signals
from segue_data.bags.reader import first_stamp_ns
from segue_data.bags.topics import COMMAND, IMAGINED, JOINT_STATES, image_topics, is_picture
from segue_data.findings import Findings

STEP_MARGIN = 1.5  # commands may step this much more than the guard allows before they count as a jump
TELEOP = "teleop-"  # how the run id of a person's commands begins
_BODY = 12  # CDR: 4 bytes of encapsulation, then the stamp of the header: int32 seconds, uint32 nanoseconds
_WHOLE = 1 << 18  # bytes up to which a picture is digested whole; of a larger one every 13th byte


def digest(data: bytes) -> int:
    """A number that changes when the picture in a serialised image message does; its stamp does not count."""
    body = np.frombuffer(data, dtype=np.uint8, offset=_BODY)
    return zlib.crc32((body if body.size <= _WHOLE else body[::13]).tobytes())


@dataclass
class Streams:
    """Everything in the order of arrival; stamps [ns] are those of the headers where a topic has them.

    `logged` is when a message was recorded [ns], of topics with headers. `backwards` counts, by topic, stamps that are
    before the one before of the same publisher: two publishers of one topic overtake each other.
    """

    stamps: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    logged: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    digests: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    commands: list[NDArray[np.float64]] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)  # run_id of every command: who commanded
    joints: list[NDArray[np.float64]] = field(default_factory=list)
    joint_names: tuple[str, ...] = ()
    backwards: Counter[str] = field(default_factory=Counter)
    _latest: dict[tuple[str, str], int] = field(default_factory=dict)  # by topic and publisher

    def add(self, topic: str, log_ns: int, data: bytes, message: Callable[[], Any]) -> None:
        """Note one message: its serialised bytes, and `message()`, which decodes them if that is needed."""
        if is_picture(topic):
            self._note_stamp(topic, first_stamp_ns(data))
            self.digests[topic].append(digest(data))
        elif topic == COMMAND:
            command = message()
            self._note_stamp(topic, first_stamp_ns(data), str(command.run_id))
            self.commands.append(np.asarray(command.action, dtype=np.float64))
            self.owners.append(str(command.run_id))
        elif topic == JOINT_STATES:
            joints = message()
            self._note_stamp(topic, first_stamp_ns(data), " ".join(joints.name))
            self._note_joints(dict(zip(joints.name, map(float, joints.position), strict=True)))
        else:
            self._note_stamp(topic, log_ns)
            return
        self.logged[topic].append(log_ns)

    def _note_stamp(self, topic: str, stamp_ns: int, publisher: str = "") -> None:
        self.stamps[topic].append(stamp_ns)
        self.backwards[topic] += stamp_ns < self._latest.get((topic, publisher), stamp_ns)
        self._latest[topic, publisher] = stamp_ns

    def _note_joints(self, told: dict[str, float]) -> None:
        """A row of all joints, the newest of each: several publishers may have some of them each."""
        new = [name for name in told if name not in self.joint_names]
        if new:  # rows before are few: they get the first value
            first = np.array([told[name] for name in new])
            self.joints = [np.concatenate([row, first]) for row in self.joints]
            self.joint_names += tuple(new)
        row = self.joints[-1].copy() if self.joints else np.zeros(len(self.joint_names))
        at = {name: index for index, name in enumerate(self.joint_names)}
        row[[at[name] for name in told]] = list(told.values())
        self.joints.append(row)


def segments(owners: list[str]) -> list[tuple[str, int, int]]:
    """(run_id, first, last) of every stretch of commands of one owner: who commanded when."""
    edges = [0, *(i for i in range(1, len(owners)) if owners[i] != owners[i - 1]), len(owners)]
    return [(owners[a], a, b - 1) for a, b in pairwise(edges) if b > a]


def check_timing(streams: Streams, findings: Findings) -> None:
    """Stamps that go back on any topic; gaps on commands, joints and cameras. What is imagined comes when it may."""
    topics, imagined = {}, image_topics(IMAGINED)
    for topic, stamps in streams.stamps.items():
        times, backwards = signals.timing(sorted(stamps)), streams.backwards[topic]
        topics[topic] = {**asdict(times), "backwards": backwards}
        if topic in imagined:
            continue
        if backwards:
            findings.add(topic, f"{backwards} stamps go backwards")
        regular = topic in (COMMAND, JOINT_STATES) or is_picture(topic)
        if regular and times.has_gap:
            findings.add(
                topic,
                f"gap of {times.longest_gap_s * 1e3:.0f} ms at {times.longest_gap_at_s:.2f} s",
            )
    findings.facts["topics"] = topics


def _matrix(rows: list[NDArray[np.float64]], place: str, findings: Findings) -> NDArray[np.float64] | None:
    if len({row.shape for row in rows}) != 1:
        findings.add(place, f"messages have {len({row.shape for row in rows})} different widths")
        return None
    values = np.stack(rows)
    if bad := signals.first_not_finite(values):
        findings.add(place, f"message {bad[0]}, entry {bad[1]} is {values[bad]}")
        return None
    return values


def check_commands(streams: Streams, robot: RobotConfig, findings: Findings) -> None:
    """Width, finite values, limits and jumps of the commands."""
    actions = _matrix(streams.commands, COMMAND, findings) if streams.commands else None
    if actions is None:
        return
    space = robot.action_space
    if actions.shape[1] != space.dim:
        findings.add(COMMAND, f"got width {actions.shape[1]}, expected {space.dim}")
        return
    if bad := signals.first_outside(actions, space.low, space.high):
        findings.add(
            f"{COMMAND}, tick {bad[0]}", f"{space.names[bad[1]]} is {actions[bad]:.3f}, outside its limits"
        )
    limits = {
        ChannelKind.POSITION: robot.safety.max_tool_step_m,
        ChannelKind.ROTATION_VECTOR: robot.safety.max_tool_turn_rad,
    }
    for channel in space.channels:
        if (limit := limits.get(channel.kind)) is None:
            continue
        step, tick = signals.largest_step(actions[:, space.slice(channel.name)])
        if step > STEP_MARGIN * limit:
            findings.add(f"{COMMAND}, tick {tick}", f"{channel.name} jumps by {step:.3f} {channel.unit}")


def _moving_joints(streams: Streams, robot: RobotConfig, camera: str) -> list[int]:
    """Columns of the joints that move what the camera sees: its own arm's, or all for a fixed camera."""
    arm = robot.cameras[camera].mount.split("/")[0]
    own = [name for name in streams.joint_names if name.startswith(f"{arm}_")]
    wanted = own or list(streams.joint_names)
    return [index for index, name in enumerate(streams.joint_names) if name in wanted]


def check_cameras(streams: Streams, robot: RobotConfig, findings: Findings) -> None:
    """Cameras without frames, and the same picture again and again while the robot moved."""
    joints = _matrix(streams.joints, JOINT_STATES, findings) if streams.joints else None
    times = np.asarray(streams.stamps.get(JOINT_STATES, ()))
    for camera in robot.cameras:
        topic = next((t for t in image_topics(camera) if streams.digests.get(t)), None)
        if topic is None:
            findings.add(image_topics(camera)[0], "no frames of this camera")
            continue
        findings.facts.setdefault("duplicate_frames", {})[topic] = signals.repeats(streams.digests[topic])
        for first, last in signals.frozen_runs(streams.digests[topic]):
            begin, end = streams.stamps[topic][first], streams.stamps[topic][last]
            during = (times >= begin) & (times <= end)
            columns = _moving_joints(streams, robot, camera)
            if joints is not None and signals.motion(joints[during][:, columns]) > signals.FROZEN_MOTION:
                findings.add(topic, f"frozen from frame {first} to {last} while the robot moved")
