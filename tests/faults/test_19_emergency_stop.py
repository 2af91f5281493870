"""19: an emergency stop in motion, and its release. Nothing moves until it is armed again from where the joints are.

Not here: the guard alone (test_control_faults.py, test_control_guard.py).
"""

from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live
from .witness import rest_bound_s

_SAID_S = 0.05  # one word of the guard
pytestmark = [pytest.mark.system, pytest.mark.slow]


@EACH_ROBOT
def test_an_emergency_stop_drops_everything_and_only_recover_and_arm_allow_motion_again(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    graph.move()
    witness, since_s = graph.witness, graph.witness.sim_s
    assert graph.emergency_stop().success
    answered_s = witness.sim_s - since_s  # the world goes on while a busy machine carries request and answer
    result = graph.result()
    graph.rest()
    stop_s, rest_s, bound_s = (
        witness.stopped_after(since_s),
        witness.rested_after(since_s),
        rest_bound_s(robot),
    )
    figures.add(
        19, "emergency stop", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * (stop_s + bound_s), code=int(result.error_code),
    )  # fmt: skip
    assert stop_s <= max(0.15, answered_s + _SAID_S) and rest_s <= stop_s + bound_s
    assert (result.rule, result.error_code) == ("safety", ErrorCode.CONTROL_EMERGENCY_STOP)

    since_s = witness.sim_s
    refused = graph.arm()
    assert refused.error_code == ErrorCode.CONTROL_EMERGENCY_STOP and "segue/recover" in refused.error_text
    graph.nothing_moves(since_s)
    assert graph.recover().success
    graph.nothing_moves(since_s)
    assert graph.arm().success
    graph.pass_s(1.0)
    assert witness.armed and witness.rested_after(since_s) == 0.0, "armed without a command it moved"
    assert graph.arm(False).success
    graph.works_again()
    assert witness.bad_commands() == []
