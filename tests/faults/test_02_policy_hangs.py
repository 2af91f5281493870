"""2: the policy hangs in mid-chunk, then goes on. What is old is not driven, the arm stops, the late answer is dropped.

Not here: the bound on the age of actions, tick by tick (test_scheduler_faults.py).
"""

import signal
import time
from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import AS_USUAL, Misled
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_LEASE_S = 1.0  # policy_lease_s
_MAX_STARVED = 30  # ticks
_HANG_S = 4.0


def _stand_still(graph: Misled, seconds: float) -> float:
    """The policy's process does not run for so long; the moment on the run's clock at which that began."""
    began = graph.signal("policy", signal.SIGSTOP)
    time.sleep(seconds)
    graph.signal("policy", signal.SIGCONT)
    return graph.witness.at(began)


@pytest.mark.thorough
@EACH_ROBOT
@pytest.mark.parametrize("seconds", [0.3, 1.6])
def test_a_policy_that_comes_back_in_time_goes_on_and_nothing_jumps(
    robot: str, seconds: float, misled: Callable[[str], Misled], figures: Figures
) -> None:
    """The longer one is silent for more than its lease: in a simulation time waits for it."""
    graph = misled(robot)
    graph.move()
    began_s = _stand_still(graph, seconds)
    graph.pass_s(2.0)
    witness = graph.witness
    assert not graph.task.over and witness.armed, graph.logs()
    figures.add(2, f"stopped for {seconds:g} s", robot, note=f"oldest action {_oldest_executed(graph)} ticks")
    assert witness.top_speed(began_s + seconds) > 0.0
    assert witness.bad_commands() == []


@EACH_ROBOT
def test_a_policy_that_stands_still_for_five_seconds_is_gone_and_resumes_nothing(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    witness, began_s = graph.witness, _stand_still(graph, 5.0)
    result = graph.result()
    graph.rest()
    stop_s, rest_s = witness.stopped_after(began_s), witness.rested_after(began_s)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        2, "stopped for 5 s", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
        code=result.error_code,
    )  # fmt: skip
    assert result.error_code == ErrorCode.POLICY_GONE and "policy_lease_s" in result.error_text
    assert stop_s <= _LEASE_S + 0.3 and rest_s <= bound_s
    graph.nothing_moves(began_s + rest_s + 0.1)
    graph.works_again()
    assert witness.bad_commands() == []


@pytest.mark.thorough
@EACH_ROBOT
def test_an_inference_that_hangs_starves_the_run_on_time_and_its_late_answer_moves_nothing(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    witness, rate_hz = graph.witness, graph.witness.config.tick_rate_hz
    graph.misbehave(How.HANG, value=_HANG_S)
    graph.until_done(How.HANG)
    hangs_s, result = witness.sim_s, graph.result()
    graph.rest()
    stop_s, rest_s = witness.stopped_after(hangs_s), witness.rested_after(hangs_s)
    held_s = (_oldest(graph) - AS_USUAL["stride"] + 1) / rate_hz  # from the request on
    oldest = _oldest_executed(graph)
    bound_s = held_s + rest_bound_s(robot)
    figures.add(
        2, "an inference hangs", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
        code=result.error_code, note=f"oldest action {oldest} ticks",
    )  # fmt: skip
    assert result.error_code == ErrorCode.SCHEDULER_STARVED
    assert f"more than {_oldest(graph)} ticks old" in graph.log("scheduler")
    assert stop_s <= held_s + _MAX_STARVED / rate_hz + 0.3 and rest_s <= bound_s
    graph.nothing_moves(hangs_s + max(stop_s, rest_s) + 0.1, for_s=_HANG_S)
    graph.works_again()
    assert witness.bad_commands() == []


def _oldest(graph: Misled) -> int:
    """The age at which actions are not executed any more: stride, largest delay so far and half a second [ticks]."""
    return int(AS_USUAL["stride"] + max(_delays(graph)) + 0.5 * graph.witness.config.tick_rate_hz)


def _oldest_executed(graph: Misled) -> int:
    """The first chunk may be older by its own delay: the arm stood still for it."""
    ages = [state.action_age_ticks for state in graph.witness.states]
    assert max(ages) <= _oldest(graph) + _delays(graph)[1]
    return max(ages)


def _delays(graph: Misled) -> list[int]:
    return [AS_USUAL["delay"], *(state.delay_ticks for state in graph.witness.states if state.spliced)]
