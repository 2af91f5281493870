"""5: actions outside the limits, by little or by much, and jumps. The wire stays inside, and what was done is counted.

Not here: the guard alone, number by number (test_control_guard.py, test_control_limiter.py, test_control_laws.py).
"""

from collections.abc import Callable
from itertools import pairwise

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]

_BEYOND = (1e-6, 1e-3, 1.0, 1e3, 1e6)


@EACH_ROBOT
def test_actions_beyond_the_limits_are_clamped_or_refused_and_counted(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.set(stride=12)
    graph.move()
    counts = [_interventions(graph)]
    for value in _BEYOND:
        graph.misbehave(How.BEYOND, value=value)
        graph.until_done(How.BEYOND)
        graph.answered()
        graph.pass_s(0.5)
        counts.append(_interventions(graph))
    done = [after - before for before, after in pairwise(counts)]
    _check(graph, robot, figures, "beyond by 1e-6 ... 1e6", f"interventions {done}")
    assert min(done) > 0, "each is counted"


@pytest.mark.thorough
@EACH_ROBOT
def test_a_jump_of_half_a_metre_or_one_radian_is_driven_within_the_limits_or_refused(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    before = _interventions(graph)
    for value in (0.5, -0.5):
        graph.misbehave(How.TELEPORT, value=value)
        graph.until_done(How.TELEPORT)
        graph.answered()
        graph.pass_s(0.5)
    assert _interventions(graph) > before
    _check(
        graph, robot, figures, "jumps of 0.5 m or 1 rad", f"{_interventions(graph) - before} interventions"
    )


def _interventions(graph: Misled) -> int:
    """What the guard did since arming, all kinds together."""
    return sum(graph.witness.safety[-1][2].counts)


def _check(graph: Misled, robot: str, figures: Figures, fault: str, note: str) -> None:
    """Whether the run goes on or was ended with a code, the wire was good."""
    result = graph.task.result
    figures.add(5, fault, robot, code=result.error_code if result else 0, note=note)
    if result:
        assert result.error_code in set(ErrorCode) - {0} and result.error_text
    assert graph.witness.commands and graph.witness.bad_commands() == []
