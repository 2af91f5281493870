"""1: the policy's process is killed in mid-chunk. The arm stops, and a new policy moves nothing by itself."""

import signal
from collections.abc import Callable

import pytest

from segue_core.exit_status import ExitStatus

from .figures import Figures
from .hands import EACH_ROBOT
from .watched import Watched
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]


@EACH_ROBOT
def test_the_death_of_the_policy_ends_the_run_with_an_arm_at_rest(
    robot: str, watched: Callable[..., Watched], figures: Figures
) -> None:
    run = watched(robot).moving()
    killed = run.signal("policy", signal.SIGKILL)
    assert run.run.wait() == ExitStatus.NODE_FAILED
    since_s = run.witness.at(killed)
    stop_s, rest_s = run.witness.stopped_after(since_s), run.witness.rested_after(since_s)
    figures.add(1, "policy killed", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, code=607)
    assert run.witness.bad_commands() == []
    assert stop_s <= 0.3 and rest_s <= stop_s + rest_bound_s(robot)
    assert "node 'policy' ended (killed by SIGKILL)" in run.told()["reason"]
