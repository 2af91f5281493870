"""Check one recorded episode: does it open, is it complete, can it be believed."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ChannelKind
from segue_core.errors import ConfigError, DataError
from segue_core.robot_config import RobotConfig
from segue_data import signals
from segue_data.bag_reader import read, stamp_ns
from segue_data.contracts import load_robot
from segue_data.encoding import decode
from segue_data.findings import Findings
from segue_data.manifest import Manifest, load
from segue_data.topics import COMMAND, JOINT_STATES, image_topics

STEP_MARGIN = 1.5  # commands may step this much more than the guard allows before they count as a jump


@dataclass
class _Recording:
    stamps: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    digests: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    commands: list[NDArray[np.float64]] = field(default_factory=list)
    joints: list[NDArray[np.float64]] = field(default_factory=list)
    joint_names: tuple[str, ...] = ()


def _picture(message: Any, bag: Path, topic: str, is_first: bool) -> int:
    data = message.data
    if is_first and hasattr(message, "format"):
        decode(data, str(bag), f"{topic}, first frame")
    return zlib.crc32(data)


def _load(bag: Path) -> _Recording:
    recording = _Recording()
    for record in read(bag):
        if "/image_raw" not in record.topic and record.topic not in (COMMAND, JOINT_STATES):
            recording.stamps[record.topic].append(record.log_ns)
            continue
        message = record.message()
        recording.stamps[record.topic].append(stamp_ns(message.header))
        if record.topic == COMMAND:
            recording.commands.append(np.asarray(message.action, dtype=np.float64))
        elif record.topic == JOINT_STATES:
            recording.joint_names = tuple(message.name)
            recording.joints.append(np.asarray(message.position, dtype=np.float64))
        else:
            digests = recording.digests[record.topic]
            digests.append(_picture(message, bag, record.topic, is_first=not digests))
    return recording


def _check_timing(recording: _Recording, findings: Findings) -> None:
    topics = {}
    for topic, stamps in recording.stamps.items():
        times = signals.timing(stamps)
        topics[topic] = asdict(times)
        if times.backwards:
            findings.add(topic, f"{times.backwards} stamps go backwards")
        regular = topic in (COMMAND, JOINT_STATES) or "/image_raw" in topic
        if regular and times.has_gap:
            findings.add(
                topic,
                f"gap of {times.longest_gap_s * 1e3:.0f} ms at {times.longest_gap_at_s:.2f} s",
            )
    findings.facts["topics"] = topics


def _check_counts(recording: _Recording, manifest: Manifest, findings: Findings) -> None:
    for topic, expected in manifest.message_counts.items():
        got = len(recording.stamps.get(topic, ()))
        if got != expected:
            findings.add(topic, f"got {got} messages, manifest says {expected}")
    for topic, lost in manifest.dropped.items():
        findings.add(topic, f"{lost} messages were dropped while recording")
    if not manifest.complete:
        findings.add("manifest", f"incomplete recording: {manifest.reason}")


def _matrix(rows: list[NDArray[np.float64]], place: str, findings: Findings) -> NDArray[np.float64] | None:
    if len({row.shape for row in rows}) != 1:
        findings.add(place, f"messages have {len({row.shape for row in rows})} different widths")
        return None
    values = np.stack(rows)
    if bad := signals.first_not_finite(values):
        findings.add(place, f"message {bad[0]}, entry {bad[1]} is {values[bad]}")
        return None
    return values


def _check_commands(recording: _Recording, robot: RobotConfig, findings: Findings) -> None:
    actions = _matrix(recording.commands, COMMAND, findings) if recording.commands else None
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


def _moving_joints(recording: _Recording, robot: RobotConfig, camera: str) -> list[int]:
    """Columns of the joints that move what the camera sees: its own arm's, or all for a fixed camera."""
    arm = robot.cameras[camera].mount.split("/")[0]
    own = [name for name in recording.joint_names if name.startswith(f"{arm}_")]
    wanted = own or list(recording.joint_names)
    return [index for index, name in enumerate(recording.joint_names) if name in wanted]


def _check_cameras(recording: _Recording, robot: RobotConfig, findings: Findings) -> None:
    joints = _matrix(recording.joints, JOINT_STATES, findings) if recording.joints else None
    times = np.asarray(recording.stamps.get(JOINT_STATES, ()))
    for camera in robot.cameras:
        topic = next((t for t in image_topics(camera) if recording.digests.get(t)), None)
        if topic is None:
            findings.add(image_topics(camera)[0], "no frames of this camera")
            continue
        for first, last in signals.frozen_runs(recording.digests[topic]):
            begin, end = recording.stamps[topic][first], recording.stamps[topic][last]
            during = (times >= begin) & (times <= end)
            columns = _moving_joints(recording, robot, camera)
            if joints is not None and signals.motion(joints[during][:, columns]) > signals.FROZEN_MOTION:
                findings.add(topic, f"frozen from frame {first} to {last} while the robot moved")


def check_bag(bag: Path, robot: RobotConfig | None = None) -> Findings:
    """Open and read the whole bag; never raises for what is wrong with it.

    Without `robot` the contract that the manifest names is used, if it exists.
    """
    findings = Findings(bag, "bag")
    try:
        recording = _load(bag)
        manifest = load(bag)
    except DataError as error:
        findings.add("bag", error.text)
        return findings
    findings.facts["manifest"] = {"task": manifest.task, "seed": manifest.seed, "outcome": manifest.outcome}
    _check_timing(recording, findings)
    _check_counts(recording, manifest, findings)
    try:
        robot = robot or load_robot(manifest.robot)
    except (ConfigError, DataError):
        findings.facts["robot"] = f"contract {manifest.robot!r} not at hand: limits and cameras not checked"
        return findings
    _check_commands(recording, robot, findings)
    _check_cameras(recording, robot, findings)
    return findings
