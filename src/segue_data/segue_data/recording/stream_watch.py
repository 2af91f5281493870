"""Watches an episode while it is being written, so that what is wrong with it is known the moment it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.definitions import typestore
from segue_data.bags.streams import Streams, check_cameras, check_commands, check_timing
from segue_data.bags.topics import COMMAND, JOINT_STATES
from segue_data.checks.skew import check_skew
from segue_data.findings import Findings


class StreamWatch:
    """One episode. `note` is called from one thread (the writer's); `problems` after the last message.

    Args:
        types: ROS type names of the topics as they are stored.
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = dict(types)
        self._streams = Streams()
        self._broken: dict[str, str] = {}

    def note(self, topic: str, log_ns: int, data: bytes) -> None:
        """Take one stored message; one that cannot be read is a problem, never an exception."""

        def message() -> Any:
            return typestore().deserialize_cdr(data, self._types[topic])

        try:
            self._streams.add(topic, log_ns, data, message)
        except Exception as error:  # the decoder meets damaged bytes with whatever they lead to
            self._broken.setdefault(topic, f"{type(error).__name__}: {error}")

    def problems(self, folder: Path, robot: RobotConfig, dropped: Mapping[str, int]) -> list[str]:
        """One sentence for everything that makes the episode doubtful; empty when it can be believed."""
        findings = Findings(folder, "bag")
        for topic, error in self._broken.items():
            findings.add(topic, f"a message cannot be read: {error}")
        for topic, lost in dropped.items():
            if lost:
                findings.add(topic, f"{lost} messages were dropped while recording")
        for topic in (COMMAND, JOINT_STATES):
            if topic in self._types and not self._streams.stamps.get(topic):
                findings.add(topic, "no messages")
        check_timing(self._streams, findings)
        check_commands(self._streams, robot, findings)
        check_cameras(self._streams, robot, findings)
        check_skew(self._streams, robot, findings)
        return [f"{problem.place}: {problem.what}" for problem in findings.problems]
