"""9: the first inference is twenty times slower than the rest. No jump into the chunk, and the delay is not learned.

Not here: the estimate of the delay alone (test_scheduler_delay.py, test_scheduler_laws.py).
"""

from collections.abc import Callable

import pytest

from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]

_USUAL_S, _TIMES = 0.1, 20
_STEP = 0.02  # between where the arm stands and row 0, which is where it stood at the request [m or rad]


@EACH_ROBOT
def test_the_arm_waits_for_a_slow_first_inference_and_begins_where_it_stands(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.set(delay_mode="adaptive", delay=4)
    graph.misbehave(How.FIRST_LATE, value=_TIMES * _USUAL_S)
    graph.move()
    graph.answered()
    graph.answered()
    witness, rate_hz = graph.witness, graph.witness.config.tick_rate_hz
    seams = [state for state in witness.states if state.spliced]
    expected = [state.expected_delay_ticks for state in witness.states if state.tick > seams[0].tick]
    first, later = seams[0].delay_ticks, max(seam.delay_ticks for seam in seams[1:])
    figures.add(
        9, "first inference 20 times slower", robot,
        note=f"delays {first}, then at most {later} ticks; expected at most {max(expected)}; "
        f"first jump {seams[0].jump:.1e}",
    )  # fmt: skip
    assert first >= _TIMES * _USUAL_S * rate_hz > 3 * later
    assert seams[0].dropped_rows == 0 and seams[0].jump < _STEP, "row 0 comes first, where the arm stands"
    assert max(expected) < first and max(expected) <= max(later, 4)
    assert not graph.task.over and witness.bad_commands() == []
