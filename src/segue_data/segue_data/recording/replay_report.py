"""How far a replay was from the episode that it played: joints, and how both ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.manifest import load
from segue_data.bags.reader import read, stamp_ns
from segue_data.bags.recorded import measured_joints
from segue_data.bags.topics import COMMAND


@dataclass(frozen=True)
class ReplayReport:
    """Differences of the measured joints over the common time, both counted from the episode's first command [rad]."""

    recorded: str
    replayed: str
    recorded_outcome: str
    replayed_outcome: str
    seconds: float
    rms_rad: float
    largest_rad: float
    largest_joint: str
    doubts: tuple[str, ...] = ()

    def text(self) -> str:
        """Two lines for people."""
        return (
            f"recorded: {self.recorded_outcome}, replayed: {self.replayed_outcome}\n"
            f"joints over {self.seconds:.1f} s: {self.rms_rad:.4f} rad RMS apart, at most "
            f"{self.largest_rad:.4f} rad ({self.largest_joint})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def _commands(bag: Path) -> tuple[list[int], list[tuple[float, ...]]]:
    stamps, actions = [], []
    for record in read(bag, frozenset({COMMAND})):
        message = record.message()
        stamps.append(stamp_ns(message.header))
        actions.append(tuple(np.round(message.action, 9)))
    return stamps, actions


def _approach_s(recorded: Path, replayed: Path) -> float:
    """Time [s] from the replay's first command to the one that begins the episode."""
    first = _commands(recorded)[1][0]
    stamps, actions = _commands(replayed)
    start = max((k for k, action in enumerate(actions) if action == first), default=0)
    return (stamps[start] - stamps[0]) / 1e9


def compare(recorded: Path, replayed: Path, robot: RobotConfig) -> ReplayReport:
    """Compare the bag of a replay with the bag that it played; DataError when one cannot be read."""
    times, joints = measured_joints(recorded, robot)
    again_times, again = measured_joints(replayed, robot)
    again_times = again_times - _approach_s(recorded, replayed)
    inside = (times >= 0) & (times <= again_times[-1])
    there = np.stack([np.interp(times[inside], again_times, column) for column in again.T], axis=1)
    error = np.abs(there - joints[inside])
    worst = np.unravel_index(int(error.argmax()), error.shape)
    facts, new = load(recorded), load(replayed)
    return ReplayReport(
        recorded=str(recorded),
        replayed=str(replayed),
        recorded_outcome=facts.outcome,
        replayed_outcome=new.outcome,
        seconds=float(times[inside][-1]),
        rms_rad=float(np.sqrt((error**2).mean())),
        largest_rad=float(error.max()),
        largest_joint=robot.joint_names[int(worst[1])],
        doubts=tuple(new.problems),
    )
