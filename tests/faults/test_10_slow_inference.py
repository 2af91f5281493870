"""10: inference is slower than the horizon for good. Smooth holds between chunks, and a fault after a configured count.

Not here: holds and counts, tick by tick (test_scheduler_faults.py).
"""

from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_H, _DELAY, _FOREVER = 60, 8, 1000


@pytest.mark.thorough
@EACH_ROBOT
def test_the_arm_holds_smoothly_between_chunks_that_come_too_late_for_each_other(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    """The first late chunk comes 0.6 s after the last action of the one before that is young enough."""
    graph = misled(robot)
    graph.move()
    rate_hz = graph.witness.config.tick_rate_hz
    late_ticks = _DELAY + round(1.1 * rate_hz)
    graph.misbehave(How.LATE, _FOREVER, late_ticks / rate_hz)
    graph.until_done(How.LATE, 3)
    graph.answered()
    witness = graph.witness
    late = [state for state in witness.states if state.spliced and state.delay_ticks >= late_ticks]
    starved = witness.states[-1].starved_ticks
    figures.add(
        10,
        f"{late_ticks} ticks for a chunk, for good",
        robot,
        note=f"{len(late)} chunks, {starved} starved ticks",
    )
    assert not graph.task.over and len(late) >= 3 and starved >= rate_hz / 2
    assert witness.bad_commands() == []


@EACH_ROBOT
def test_a_policy_that_is_slower_than_starving_is_borne_ends_the_run_with_an_arm_at_rest(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    witness, rate_hz = graph.witness, graph.witness.config.tick_rate_hz
    graph.misbehave(How.LATE, _FOREVER, 75 / rate_hz)
    began_s, result = witness.sim_s, graph.result()
    graph.rest()
    stop_s, rest_s = witness.stopped_after(began_s), witness.rested_after(began_s)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        10, "75 ticks for a chunk, for good", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s,
        bound_ms=1e3 * bound_s, code=result.error_code, note=f"{result.starved_ticks} starved ticks",
    )  # fmt: skip
    assert result.error_code == ErrorCode.SCHEDULER_STARVED
    most = round(rate_hz)  # as many as a second has
    assert f"{most} starved ticks in a row" in result.error_text and result.starved_ticks == most
    assert stop_s <= (_H + 30) / rate_hz + 1.0 and rest_s <= bound_s
    assert witness.bad_commands() == []
