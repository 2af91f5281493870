"""6: a chunk of the wrong length, width or size, an empty one, one for another tick: refused with what was expected.

The type of the numbers is fixed by the message. The order of joints is part of the action space's fingerprint: row 28.
Not here: the same in the scheduler alone (test_scheduler_faults.py), any bytes at all (the fuzz of messages).
"""

from collections.abc import Callable

import pytest

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]

_H = 60  # rows of a swaying chunk


@EACH_ROBOT
def test_a_chunk_of_another_shape_is_refused_with_what_came_and_the_run_goes_on(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.set(stride=12, max_action_age_s=10.0)  # the one before goes on as long as it has rows
    graph.move()
    dim, said = graph.witness.config.action_space.dim, []
    for how, value, text in (
        (How.HORIZON, _H + 1, f"chunk; got ({_H + 1}, {dim}); expected ({_H}, {dim})"),
        (How.HORIZON, 1, f"chunk; got (1, {dim}); expected ({_H}, {dim})"),
        (How.HORIZON, 0, f"chunk size and data disagree; got 0 rows x {dim} columns with 0 values"),
        (How.WIDTH, 1, f"got ({_H}, {dim + 1})"),
        (How.SIZE, 0, f"got {_H + 1} rows x {dim} columns with {_H * dim} values"),
        (How.START, 1, "CHUNK_WRONG_START"),
    ):
        graph.misbehave(how, value=value)
        graph.until_done(how)
        graph.answered()
        said.append(text)
    log, witness = graph.log("scheduler"), graph.witness
    assert [text for text in said if text not in log] == []
    assert not graph.task.over and witness.armed and witness.states[-1].starved_ticks == 0
    assert graph.end().error_code == 0
    refused = graph.metric("refused_chunks") + graph.metric("failed_requests")
    figures.add(6, "six wrong shapes", robot, note=f"{refused:.0f} refused, no starved tick")
    assert refused == len(said) and witness.bad_commands() == []
