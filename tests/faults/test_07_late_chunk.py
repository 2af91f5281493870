"""7: a late chunk. Rows that have passed are skipped by their ticks; one that is past is dropped; nothing moves back.

Not here: every lateness, row by row (test_scheduler_laws.py, test_scheduler_faults.py).
"""

from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import AS_USUAL, Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]

_H = 60  # rows of a swaying chunk


@EACH_ROBOT
def test_rows_that_have_passed_are_skipped_by_their_ticks(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    """Chunks of the swaying policy lie on one path, all but the first: a row at another tick than its own is a jump."""
    graph = misled(robot)
    graph.move()
    graph.misbehave(How.LATE, count=2, value=0.2 * _H / graph.witness.config.tick_rate_hz)
    graph.until_done(How.LATE, 2)
    graph.answered()
    seams = [state for state in graph.witness.states if state.spliced][2:]
    delays, jump = [seam.delay_ticks for seam in seams], max(seam.jump for seam in seams)
    figures.add(7, "late by 0.2 horizons", robot, note=f"delays {delays} ticks, largest jump {jump:.1e}")
    assert max(delays) >= 0.2 * _H > AS_USUAL["delay"]
    assert all(seam.dropped_rows == seam.delay_ticks for seam in seams)
    assert all(seam.tick - seam.chunk_start_tick == seam.dropped_rows for seam in seams)
    assert jump < 1e-4 and not graph.task.over and graph.witness.bad_commands() == []


@pytest.mark.thorough
@EACH_ROBOT
@pytest.mark.parametrize(
    "horizons", [1.2, 5.0]
)  # at one it comes with the tick at which starving ends the run
def test_a_chunk_that_comes_when_all_of_it_is_past_moves_nothing(
    robot: str, horizons: float, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    graph.misbehave(How.LATE, value=horizons * _H / graph.witness.config.tick_rate_hz)
    result = graph.result()
    graph.rest()
    witness, rested_s = graph.witness, graph.witness.sim_s
    figures.add(7, f"late by {horizons:g} horizons", robot, code=result.error_code)
    assert result.error_code == ErrorCode.SCHEDULER_STARVED
    graph.until_done(How.LATE)
    graph.nothing_moves(rested_s)
    graph.works_again()
    assert witness.bad_commands() == []
