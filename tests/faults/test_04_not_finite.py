"""4: NaN or Inf in a chunk. All of it is refused and the one before goes on; three in a row end the run.

Not here: each way in which a chunk cannot be used (test_scheduler_faults.py), NaN in commands (test_control_faults.py).
"""

import math
from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]


@EACH_ROBOT
def test_two_chunks_with_a_number_that_is_none_change_nothing_and_three_in_a_row_end_the_run(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.set(stride=12, max_action_age_s=10.0)  # the one before goes on as long as it has rows
    graph.move()
    for value in (math.nan, -math.inf):
        graph.misbehave(How.NOT_FINITE, count=2, value=value)
        graph.until_done(How.NOT_FINITE, 2)
        graph.answered()
    assert not graph.task.over and not graph.witness.states[-1].starved_ticks, graph.logs()
    graph.misbehave(How.NOT_FINITE, count=3, value=math.inf)
    graph.until_done(How.NOT_FINITE, 3)
    witness, since_s = graph.witness, graph.witness.sim_s
    result = graph.result()
    graph.rest()
    stop_s, rest_s = witness.stopped_after(since_s), witness.rested_after(since_s)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        4, "three chunks with Inf", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
        code=result.error_code, note="two with NaN, two with -Inf: refused, the run went on",
    )  # fmt: skip
    assert result.error_code == ErrorCode.SCHEDULER_BAD_CHUNKS
    assert "3 refused chunks in a row" in result.error_text and "CHUNK_NOT_FINITE" in result.error_text
    assert graph.metric("refused_chunks") == 7 and result.starved_ticks == 0
    assert stop_s <= 0.3 and rest_s <= bound_s
    assert witness.bad_commands() == []
