"""A session in which a person records episodes: the graph without a policy, until enough are there or Ctrl-C."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from segue_bringup.run.episode import Ending, Episode
from segue_bringup.run.readiness import Readiness
from segue_bringup.run.standstill import Guard

_STOP_ARM_S = 3.0
_RATE = "hz "


@dataclass
class Session:
    """What the display shows of the session; kept by `Collection`."""

    told: dict[str, str] = field(default_factory=dict)  # of the teleoperation node
    device: str = ""  # empty, or why it is gone
    rates: dict[str, float] = field(default_factory=dict)  # messages per second, by topic
    written: dict[str, int] = field(default_factory=dict)  # messages in the open episode, by topic
    recorder: str = "-"

    def take(self, message: DiagnosticArray) -> None:
        """Read one message of /diagnostics."""
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            if status.name == "teleop: session":
                self.told, self.device = values, "" if status.level == b"\x00" else status.message
            elif status.name == "recorder":
                self.recorder = status.message
                with suppress(ValueError):  # of another node that calls itself so
                    self.rates = {k[len(_RATE) :]: float(v) for k, v in values.items() if k.startswith(_RATE)}
                    self.written = {k: int(v) for k, v in values.items() if k.startswith("/")}


@dataclass
class Collection(Episode):
    """An `Episode` that sends no goal: the teleoperation node does what the person wishes."""

    session: Session = field(default_factory=Session)

    def _connect(self, stack: Any) -> None:
        super()._connect(stack)
        self._node.create_subscription(DiagnosticArray, "diagnostics", self.session.take, 10)
        self._guard = Guard(self._node)

    def _do(self, goal: Any) -> Ending:
        readiness, done = Readiness(self._node, self.plan.nodes, lambda: self._supervisor.pids), False
        try:
            if self._wait(lambda: self._nodes_ready(readiness)) and self._wait(self._world.passes):
                self._headline("ready")
                done = self._wait(lambda: self.session.told.get("stage") == "done")
        finally:  # whatever it was
            self._disarm()
        return Ending.RESULT if done else self._why()

    def _nodes_ready(self, readiness: Readiness) -> bool:
        pending = readiness.pending()
        self.shown.headline = f"waiting for {', '.join(pending)}"
        return not pending

    def _disarm(self) -> None:
        """The arm before the graph: a controlled stop."""
        end_s = time.monotonic() + _STOP_ARM_S
        while not self._guard.disarm() and time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=0.05)
