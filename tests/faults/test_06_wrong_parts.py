"""4, 6 and 8 for a chunk that comes in parts: what is wrong with a part is said by name, and what came before goes on.

Not here: the same in the scheduler alone (test_scheduler_streams.py), a part that is lost (the result has every row).
"""

from collections.abc import Callable

import pytest

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]


@EACH_ROBOT
def test_a_wrong_part_is_refused_by_name_and_the_run_goes_on(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.set(stride=12, max_action_age_s=10.0)  # the one before goes on as long as it has rows
    graph.move()
    said = []
    for how, value, text in (
        (How.PART_NOT_FINITE, 0.0, "CHUNK_NOT_FINITE"),
        (How.PART_CHANGED, 0.01, "rows that were given as final; got others, or fewer"),
        (How.PART_OTHER, 0.0, "a part of the answer to request"),
        (How.PART_LAST, 0.0, "RuntimeError: the rogue fails"),
        (How.PART_AFTER, 0.0, ""),
    ):
        graph.misbehave(how, value=value)
        graph.until_done(how)
        graph.answered()
        said.append(text)
    log, witness = graph.log("scheduler"), graph.witness
    assert [text for text in said if text not in log] == []
    assert not graph.task.over and witness.armed
    starved = witness.states[-1].starved_ticks  # a stream that ends in its first third leaves few rows
    assert graph.end().error_code == 0
    refused = graph.metric("refused_chunks") + graph.metric("failed_requests")
    figures.add(6, "five wrong parts", robot, note=f"{refused:.0f} refused, {starved} starved ticks")
    assert refused >= len(said) - 1 and starved < 30 and witness.bad_commands() == []
