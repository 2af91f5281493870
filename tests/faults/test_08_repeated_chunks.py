"""8: chunks that come twice or in another order: each is executed once, in order.

Not here: duplicates in any order (test_scheduler_laws.py), answers from before a restart (test_scheduler_faults.py).
"""

from collections.abc import Callable

import pytest

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]


@EACH_ROBOT
def test_an_answer_that_comes_again_in_the_place_of_the_next_is_not_executed_again(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    """The scheduler once waited ten seconds for the answer whose place it had taken, and starved."""
    graph = misled(robot)
    graph.set(max_action_age_s=10.0)  # the one before goes on as long as it has rows
    graph.move()
    graph.misbehave(How.BEFORE, count=2)
    graph.until_done(How.BEFORE, 2)
    graph.answered()
    graph.answered()
    witness = graph.witness
    executed = [state.chunk_sequence for state in witness.states if state.spliced]
    assert not graph.task.over and witness.states[-1].starved_ticks == 0
    assert graph.end().error_code == 0
    figures.add(8, "the answer before, twice", robot, note=f"executed {executed}, no starved tick")
    assert executed == sorted(set(executed)) and graph.metric("failed_requests") == 2
    assert "is one to request" in graph.log("scheduler") and witness.bad_commands() == []
