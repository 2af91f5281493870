"""A standing graph that is given goal after goal, while its processes and its commands are watched."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue_bringup.run.episode import Ending, Episode
from segue_eval.bench.growth import Watched, jitter_ms, look_at, spread
from segue_interfaces.action import RunTask
from segue_interfaces.msg import RobotCommand, SafetyState

_LOOK_EVERY_S = 1.0
_MOST = 400_000  # commands whose times are kept: four hours


@dataclass
class LiveSoak:
    """What was seen.

    Args:
        watched: processes by node name; one that was started again is `name (pid)`.
        outcomes: how many goals ended with which outcome.
        faults: how often the guard said which error code, by code.
        sent_s, ticks: when each command was sent, by the clock of the middleware, and its tick.
    """

    watched: dict[str, Watched] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[int] = field(default_factory=Counter)
    starved: int = 0
    run_ticks: int = 0
    sent_s: list[float] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)

    def look(self, pids: Mapping[str, int], at_s: float) -> None:
        """Note what the system says of every process."""
        for name, pid in pids.items():
            look = look_at(pid, at_s)
            if look is None:
                continue
            known = self.watched.setdefault(name, Watched(pid))
            if known.pid != pid:
                known = self.watched.setdefault(f"{name} ({pid})", Watched(pid))
            known.looks.append(look)

    def lines(self) -> str:
        """What the tables of processes do not say."""
        told = spread(jitter_ms(self.sent_s, self.ticks))
        ended = ", ".join(f"{count} {word}" for word, count in sorted(self.outcomes.items())) or "none ended"
        faults = ", ".join(f"{code} ({count} times)" for code, count in sorted(self.faults.items())) or "none"
        return (
            f"{self.outcomes.total()} goals: {ended}\n"
            f"{self.run_ticks} ticks, {self.starved} starved; faults of the guard: {faults}\n"
            f"{len(self.ticks)} commands; jitter of their sending [ms]: median {told['median']:.2f}, "
            f"p99 {told['p99']:.2f}, max {told['max']:.2f}"
        )

    def report(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "goals": self.outcomes.total(),
            "outcomes": dict(self.outcomes),
            "faults": {str(code): count for code, count in self.faults.items()},
            "ticks": self.run_ticks,
            "starved_ticks": self.starved,
            "commands": len(self.ticks),
            "command_jitter_ms": spread(jitter_ms(self.sent_s, self.ticks)),
        }


@dataclass
class SoakEpisode(Episode):
    """An `Episode` of many goals, one seed after the other, until the time is over or so many `goals` are done."""

    seconds: float = 600.0
    goals: int | None = None
    seen: LiveSoak = field(default_factory=LiveSoak)
    _began_s: float = 0.0
    _looked_s: float = 0.0
    _fault: int = 0

    def _connect(self, stack: Any) -> None:
        super()._connect(stack)
        self._node.create_subscription(RobotCommand, "segue/command", self._on_command, 100)
        self._node.create_subscription(SafetyState, "segue/safety", self._on_safety, 10)

    def show_feedback(self, told: Any) -> None:
        """The share of the time that is over stands where a task's progress does."""
        self.shown.progress, self.shown.score = self._age_s() / self.seconds, told.score

    def _do(self, goal: RunTask.Goal) -> Ending:
        if not self._begun():
            return self._why()
        self._began_s = time.monotonic()
        while self._age_s() < self.seconds and (done := self.seen.outcomes.total()) != self.goals:
            self._headline(f"goal {done + 1}, {self._age_s() / 60:.1f} of {self.seconds / 60:g} min")
            self._client.send(goal)
            in_time = False
            try:
                in_time = self._wait(lambda: self._client.over or self._age_s() > self.seconds)
            finally:  # whatever it was
                if not self._client.over:
                    self._stop_arm()
            if not in_time:
                return self._why()
            self._result()  # raises for a goal that is refused: the next one would be, too
            self._note(self._client.result)
            goal.seed += 1
        return Ending.RESULT

    def _note(self, result: RunTask.Result | None) -> None:
        if result is None:
            self.seen.outcomes["no result"] += 1
            return
        self.seen.outcomes[result.outcome] += 1
        self.seen.starved += int(result.starved_ticks)
        self.seen.run_ticks += int(result.ticks)
        if result.error_code:
            self.display.say(f"goal {self.seen.outcomes.total()}: {result.error_text}")
        if result.bag_path:  # the recorder is watched, what it recorded is not wanted
            shutil.rmtree(Path(result.bag_path), ignore_errors=True)

    def _show(self) -> None:
        super()._show()
        now = time.monotonic()
        if self._began_s and now - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now
            self.seen.look(self._supervisor.pids, now - self._began_s)

    def _age_s(self) -> float:
        return time.monotonic() - self._began_s

    def _on_command(self, message: RobotCommand, info: Mapping[str, Any]) -> None:
        if len(self.seen.ticks) < _MOST:
            self.seen.ticks.append(int(message.tick))
            self.seen.sent_s.append(1e-9 * int(info["source_timestamp"]))

    def _on_safety(self, message: SafetyState) -> None:
        if message.error_code and message.error_code != self._fault:
            self.seen.faults[int(message.error_code)] += 1
        self._fault = int(message.error_code)
