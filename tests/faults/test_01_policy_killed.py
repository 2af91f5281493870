"""1: the policy's process is killed in mid-chunk. The arm stops, and a new policy moves nothing by itself.

A run that is supervised learns of the death from the process. On a graph that nobody supervises, or with the policy on
another machine, DDS's lease tells (`policy_lease_s`). Not here: what a scheduler makes of it (test_policy_link.py).
"""

import signal
from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode
from segue_core.exit_status import ExitStatus

from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live
from .watched import Watched
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_LEASE_S = 1.0  # policy_lease_s


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


@EACH_ROBOT
def test_a_policy_that_nobody_supervises_is_missed_within_its_lease_and_a_new_one_moves_nothing(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    """It once drove on for 2158 ms, to the end of its chunk and as long as starving was borne."""
    graph = standing(robot)
    graph.move()
    witness, killed_s = graph.witness, graph.witness.at(graph.kill("policy"))
    speed, result = witness.speed, graph.result()
    graph.rest()
    stop_s, rest_s = witness.stopped_after(killed_s), witness.rested_after(killed_s)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        1, "policy killed, nobody supervises", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s,
        bound_ms=1e3 * bound_s, code=result.error_code,
    )  # fmt: skip
    assert speed > 0.0 and result.error_code == ErrorCode.POLICY_GONE
    assert "start it again and send the goal again" in result.error_text
    assert stop_s <= _LEASE_S + 0.3 and rest_s <= bound_s
    began_s = witness.sim_s
    graph.start_again("policy")
    graph.nothing_moves(began_s)
    graph.move()  # though DDS has the dead one in its books for 20 s
    assert witness.bad_commands() == []
