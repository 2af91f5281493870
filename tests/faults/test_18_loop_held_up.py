"""18: the control loop is held up for 5, 50 and 500 ms in motion. No burst to catch up; above 100 ms the robot stops.

By the wall clock, where nobody is waited for. Not here: the count and the stream alone (test_control_loop.py,
test_control_faults.py), busy loops (row 33).
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from segue_core.errors import ErrorCode

from .busy import hold_up
from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.thorough]

_LATE_S = 0.1  # later than this the loop stops the robot
_TRIES = 5


def _moving(graph: Live) -> None:
    """In motion, with a loop that has not been late for a second; else the machine has no time for this test."""
    for _ in range(_TRIES):
        graph.end()
        graph.forget()
        graph.until(lambda: bool(graph.recover().success), "the guard recovers")
        try:
            graph.move()
        except AssertionError:
            continue
        return
    pytest.skip(
        f"this machine was late {_TRIES} times before anything was done to it: {graph.task.result.error_text}"
    )


def _missed(graph: Live, since_s: float, until_s: float) -> int:
    """Cycles that were due and did not run, by the stamps on the wire."""
    period_s = 1.0 / graph.witness.config.control_rate_hz
    stamps = [heard.sim_s for heard in graph.witness.commands]
    gaps = [(later - earlier) / period_s for earlier, later in pairwise(stamps) if since_s < later <= until_s]
    return sum(round(count) - 1 for count in gaps if count >= 1.5)


@EACH_ROBOT
def test_a_loop_that_was_held_up_makes_nothing_up_and_counts_what_it_missed(
    robot: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live(robot, urgent=True, clock="wall")
    witness = graph.witness
    for seconds in (0.005, 0.05, 0.5):
        _moving(graph)
        _, since_s, before = witness.safety[-1]
        began, woke = hold_up([graph.pid("controller")], seconds)
        graph.pass_s(0.5)
        _, until_s, after = witness.safety[-1]
        counted, missed = after.overruns - before.overruns, _missed(graph, since_s, until_s)
        stop_s, woke_s = witness.stopped_after(since_s), witness.at(woke)
        told: dict[str, Any] = {"note": f"{missed} cycles missed, {counted} counted"}
        if seconds > _LATE_S:
            graph.rest()
            rest_s = witness.rested_after(witness.at(began))
            told |= {"stop_ms": 1e3 * stop_s, "rest_ms": 1e3 * rest_s, "code": witness.error_code}
        figures.add(18, f"controller held up for {1e3 * seconds:g} ms", robot, **told)
        if seconds > _LATE_S:
            assert witness.error_code == ErrorCode.CONTROL_OVERRUN
            assert rest_s <= witness.config.safety.robot_timeout_s + rest_bound_s(robot)
            assert [heard for heard in witness.commands if heard.sim_s > woke_s] == [], "it went on by itself"
            graph.nothing_moves(witness.sim_s)
        else:
            assert math.isinf(stop_s), f"stopped by {seconds} s"
            assert counted == missed
            held_s = woke_s - witness.at(began)  # a world that is too slow for the wall's time goes less far
            assert missed >= round(held_s * witness.config.control_rate_hz) - 1
    assert witness.bad_commands() == []
