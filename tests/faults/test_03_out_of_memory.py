"""3: the policy runs out of memory, softly (an allocation fails) or for good (the kernel kills it). Control goes on.

Not here: memory that a checkpoint or a message asks for (row 27, the fuzz of messages).
"""

import signal
from collections.abc import Callable
from itertools import pairwise

import pytest

from segue_core.errors import ErrorCode

from . import memory
from .figures import Figures
from .hands import EACH_ROBOT
from .mischief import How
from .misled import Misled
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_FAILED_IN_A_ROW = 10
_LEASE_S = 1.0  # policy_lease_s
_EATING_S = 1.0  # until 128 MB are eaten


def _longest_gap_s(graph: Misled) -> float:
    """Between two joint commands while the arm was commanded."""
    stamps = [heard.sim_s for heard in graph.witness.commands]
    return max(after - before for before, after in pairwise(stamps))


@EACH_ROBOT
def test_an_inference_without_memory_is_an_error_with_its_code_and_costs_no_control_cycle(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    graph.misbehave(How.MEMORY, count=1, value=2.0**36)
    graph.until_done(How.MEMORY)
    graph.answered()
    assert not graph.task.over, "one such answer is asked for again"
    graph.misbehave(How.MEMORY, count=100, value=2.0**36)
    graph.until_done(How.MEMORY, _FAILED_IN_A_ROW)
    witness, since_s = graph.witness, graph.witness.sim_s
    result = graph.result()
    stop_s = witness.stopped_after(since_s)
    graph.rest()
    rest_s, gap_s = witness.rested_after(since_s), _longest_gap_s(graph)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        3, "no memory for an inference", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s,
        bound_ms=1e3 * bound_s, code=result.error_code, note=f"longest gap of commands {1e3 * gap_s:.1f} ms",
    )  # fmt: skip
    assert result.error_code == ErrorCode.SCHEDULER_REQUESTS_FAILED
    for text in (
        "10 failed requests in a row",
        "[205 POLICY_OUT_OF_MEMORY]",
        "end what else takes the memory",
    ):
        assert text in result.error_text
    assert stop_s <= 0.3 and rest_s <= bound_s
    assert gap_s <= 2.0 / witness.config.control_rate_hz + 1e-6, "at most one control tick is missed"
    graph.misbehave(How.MEMORY, count=0)
    graph.works_again()
    assert witness.bad_commands() == []


@pytest.mark.thorough
@pytest.mark.skipif(bool(memory.why_not()), reason=memory.why_not())
@EACH_ROBOT
def test_a_policy_that_the_kernel_kills_for_its_memory_is_gone_and_costs_no_control_cycle(
    robot: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled(robot)
    graph.move()
    witness = graph.witness
    with memory.limited(graph.pid("policy"), 1 << 27):
        graph.misbehave(How.EAT)
        graph.until_done(How.EAT)
        began_s = witness.sim_s
        result = graph.result()
        stop_s = witness.stopped_after(began_s)
        graph.rest()
        graph.until(lambda: graph.supervisor.poll() or "policy" not in graph.supervisor.pids, "it is dead")
    rest_s, gap_s = witness.rested_after(began_s), _longest_gap_s(graph)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        3, "killed by the kernel", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
        code=result.error_code, note=f"longest gap of commands {1e3 * gap_s:.1f} ms",
    )  # fmt: skip
    assert f"killed by {signal.SIGKILL.name}" in " ".join(graph.said)
    assert result.error_code == ErrorCode.POLICY_GONE and "start it again" in result.error_text
    assert stop_s <= _EATING_S + _LEASE_S + 0.3 and rest_s <= bound_s
    assert gap_s <= 2.0 / witness.config.control_rate_hz + 1e-6, "at most one control tick is missed"
    assert witness.bad_commands() == []
