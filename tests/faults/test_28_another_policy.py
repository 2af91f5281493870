"""28: a chunk of another action space, or a policy swapped in mid-run: refused with its code, none of it executed.

Not here: each field of a chunk, in the scheduler alone (test_node_parts.py), what policies say of themselves
(test_policy_link.py).
"""

from collections.abc import Callable, Sequence

import pytest

from segue_bringup.supervision.commands import node_command
from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live, module
from .mischief import How
from .misled import Misled
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_OTHER = {"franka": "jaco2", "jaco2": "dual_arm", "dual_arm": "fetch", "fetch": "franka"}


@EACH_ROBOT
@pytest.mark.parametrize(
    ("how", "says"),
    [
        (How.FINGERPRINT, "chunk for another action space"),
        pytest.param(How.SPACE, "chunk for another action space", marks=pytest.mark.thorough),
        pytest.param(How.RATE, "chunk for another rate", marks=pytest.mark.thorough),
        pytest.param(How.SOURCE, "chunk of another policy", marks=pytest.mark.thorough),
    ],
)
def test_a_chunk_of_the_same_width_that_means_something_else_ends_the_run_unexecuted(
    robot: str, how: How, says: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    graph.misbehave(how, value=7.0)
    graph.until_done(how)
    witness, since_s = graph.witness, graph.witness.sim_s
    executed = sum(state.spliced for state in witness.states)
    _ends(
        graph, since_s, figures, f"a chunk of another {how.value}", ErrorCode.SCHEDULER_POLICY_MISMATCH, says
    )
    assert sum(state.spliced for state in witness.states) == executed


@pytest.mark.thorough
@EACH_ROBOT
def test_a_policy_of_another_robot_that_appears_in_mid_run_ends_it(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    since_s = graph.witness.sim_s
    graph.start_beside("another", _policy_of(graph, _OTHER[robot]))
    says = "another policy took the place of the run's"
    _ends(
        graph, since_s, figures, "a second policy", ErrorCode.SCHEDULER_POLICY_MISMATCH, says, starting_s=60.0
    )


@pytest.mark.thorough
@EACH_ROBOT
def test_a_policy_that_is_swapped_in_mid_run_is_refused_with_what_differs(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    since_s = graph.witness.at(graph.kill("policy"))
    graph.start_beside("another", _policy_of(graph, _OTHER[robot]))
    _ends(graph, since_s, figures, "swapped for another", ErrorCode.POLICY_GONE, "gone", starting_s=1.0)
    began_s = graph.witness.sim_s
    graph.send()
    refused = graph.result()
    assert refused.error_code == ErrorCode.SCHEDULER_POLICY_MISMATCH, refused.error_text
    assert "action space" in refused.error_text and "expected" in refused.error_text
    graph.nothing_moves(began_s)


def _policy_of(graph: Live, robot: str) -> Sequence[str]:
    """The command of a policy node of this graph, for another robot."""
    plan = graph.plan_of("policy")
    names = [
        word.replace("__node:=policy", "__node:=another") for word in node_command(plan, graph.folder)[1:-2]
    ]
    given = plan.parameters["robot_file"]
    other = str(given).replace(f"{graph.robot}.yaml", f"{robot}.yaml")
    assert other != given
    return [*module("rogue_policy"), *names, "-p", f"robot_file:={other}"]


def _ends(
    graph: Misled,
    since_s: float,
    figures: Figures,
    fault: str,
    code: ErrorCode,
    says: str,
    starting_s: float = 0.0,
) -> None:
    """The run ends with this code and text, and an arm at rest."""
    result, witness = graph.result(), graph.witness
    graph.rest()
    stop_s, rest_s = witness.stopped_after(since_s), witness.rested_after(since_s)
    bound_s = stop_s + rest_bound_s(graph.robot)
    figures.add(
        28, fault, graph.robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
        code=result.error_code,
    )  # fmt: skip
    assert result.error_code == code and says in result.error_text
    assert stop_s <= starting_s + 0.3 and rest_s <= bound_s
    assert witness.bad_commands() == []
