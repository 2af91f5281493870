"""The robot's machine, as a process in namespaces of its own: its nodes, and hands that do what they are told.

    python -m tests.faults.machine FOLDER ROBOT DOMAIN NODE...

Reads words on standard input, one a line, and answers each with one line of JSON when it has come true.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .live import Live
from .witness import rest_bound_s

FOLDER, ROBOT_NAME, DOMAIN = 1, 2, 3
PACE = 0.5  # simulated seconds per second: two machines are one, and may be a small one
_QUIET_S = 3.0  # of the run's clock, in which nothing old may be executed


class Machine:
    """What the words mean."""

    def __init__(self, live: Live) -> None:
        self._live, self._since_s = live, 0.0
        self.words: Mapping[str, Callable[[], dict[str, Any]]] = {
            "move": self.move,
            "run": self.run,
            "notice": self.notice,
            "stopped": self.stopped,
            "halted": self.halted,
            "undisturbed": self.undisturbed,
            "quiet": self.quiet,
            "again": self.again,
        }

    def move(self) -> dict[str, Any]:
        """A task whose arm is in motion."""
        self._live.witness.forget()
        self._live.until(self._live.witness.hears, "the robot is heard")
        self._live.move()
        return {"speed": self._live.witness.speed}

    def run(self) -> dict[str, Any]:
        """Wait for the end of a task of five seconds."""
        self._live.witness.forget()
        self._live.until(self._live.witness.hears, "the robot is heard")
        began_s = self._live.witness.sim_s
        self._live.send(time_limit_s=5.0)
        return self._end(began_s)

    def notice(self) -> dict[str, Any]:
        """Something happens now."""
        self._since_s = self._live.witness.at(time.monotonic())
        return {"sim_s": self._since_s}

    def stopped(self) -> dict[str, Any]:
        """The task has ended, and the arm rests."""
        return {**self._end(self._since_s), **self._rest()}

    def halted(self) -> dict[str, Any]:
        """The guard has stopped the arm by itself, and it rests; whoever could tell of the task's end is not heard."""
        witness = self._live.witness
        self._live.until(lambda: not witness.armed, "the guard stops")
        return {"code": witness.error_code, "reason": witness.safety[-1][2].error_text, **self._rest()}

    def _rest(self) -> dict[str, Any]:
        self._live.rest()
        witness = self._live.witness
        stop_s, rest_s = witness.stopped_after(self._since_s), witness.rested_after(self._since_s)
        bound_s = stop_s + rest_bound_s(self._live.robot)
        return {"stop_s": stop_s, "rest_s": rest_s, "bound_s": bound_s, "bad": witness.bad_commands()}

    def undisturbed(self) -> dict[str, Any]:
        """How a task is that nothing should have disturbed."""
        witness = self._live.witness
        return {"bad": witness.bad_commands(), "armed": witness.armed, "over": self._live.task.over}

    def quiet(self) -> dict[str, Any]:
        """Nothing moves by itself."""
        self._live.nothing_moves(self._live.witness.sim_s, _QUIET_S)
        return {"stands": self._live.stands}

    def again(self) -> dict[str, Any]:
        """A new task moves the arm, once the other machine has been found again."""
        self._live.until(lambda: bool(self._live.recover().success), "the guard recovers")
        for _ in range(5):
            self._live.send()
            self._live.until(lambda: self._live.task.over or self._live.witness.speed > 0.1, "the arm moves")
            if not self._live.task.over:
                break
            self._live.recover()
        self._live.end()
        return {"bad": self._live.witness.bad_commands()}

    def _end(self, since_s: float) -> dict[str, Any]:
        result = self._live.result()
        metrics = dict(zip(result.metric_names, map(float, result.metric_values), strict=True))
        told = {
            "rule": result.rule,
            "reason": result.reason,
            "code": int(result.error_code),
            "metrics": metrics,
        }
        witness = self._live.witness
        return {**told, "speed": witness.top_speed(since_s), "bad": witness.bad_commands()}


def main() -> None:
    """Do what is told until standard input ends."""
    folder, robot, domain, *here = sys.argv[FOLDER:]
    with Live(
        Path(folder), robot, here=here, domain=int(domain), delay_mode="adaptive", real_time_factor=PACE
    ) as live:
        machine = Machine(live)
        print(json.dumps({"nodes": here}), flush=True)
        for line in sys.stdin:
            print(json.dumps(machine.words[line.strip()]()), flush=True)


if __name__ == "__main__":
    main()
