"""How far apart in time the parts of one control tick are: command, joints and every camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.streams import Streams
from segue_data.bags.topics import COMMAND, JOINT_STATES, image_topics
from segue_data.datasets.alignment import behind, other_clock, unstamped
from segue_data.datasets.bag_to_rows import TOLERANCE_NS
from segue_data.findings import Findings

MAX_TICKS = {JOINT_STATES: 1.0, "camera": 2.0}  # as conversion allows, see episode.py


def ages_s(ticks: NDArray[np.int64], stamps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Age [s] at each tick (k,) of the stamp that belongs to it (see episode.py); NaN before the first."""
    index = np.searchsorted(stamps, ticks + TOLERANCE_NS, side="right") - 1
    age = (ticks - stamps[np.maximum(index, 0)]) / 1e9
    return np.where(index < 0, np.nan, age)


def _lag(streams: Streams, topic: str) -> int:
    """How much longer [ns] than a command a message lay between its stamp and the recording."""
    lags = [behind(streams.stamps[name], streams.logged[name]) for name in (topic, COMMAND)]
    return lags[0] - lags[1]


def check_skew(streams: Streams, robot: RobotConfig, findings: Findings) -> None:
    """Ticks whose newest joint state or picture is older than conversion accepts; commands that are not stamped."""
    ticks = np.asarray(streams.stamps.get(COMMAND, ()), dtype=np.int64)
    if cause := unstamped(ticks, "sender"):
        findings.add(COMMAND, cause)
        return
    cameras = [next((t for t in image_topics(c) if streams.stamps.get(t)), None) for c in robot.cameras]
    worst: dict[str, float] = {}
    for topic in (JOINT_STATES, *filter(None, cameras)):
        stamps = np.sort(np.asarray(streams.stamps.get(topic, ()), dtype=np.int64))
        if not ticks.size or not stamps.size:
            continue
        age = ages_s(ticks, stamps)
        worst[topic] = round(float(np.nanmax(age)), 4) if np.isfinite(age).any() else float("nan")
        limit = MAX_TICKS.get(topic, MAX_TICKS["camera"]) / robot.tick_rate_hz
        late = np.flatnonzero(~(age <= limit + 1e-6))
        if late.size and (cause := other_clock(ticks, stamps, _lag(streams, topic))):
            findings.add(topic, cause)
        elif late.size:
            text = f"{late.size} ticks without a fresh message (allowed age {limit * 1e3:.0f} ms)"
            findings.add(f"{topic}, tick {late[0]}", text)
    findings.facts["largest_age_s"] = worst
