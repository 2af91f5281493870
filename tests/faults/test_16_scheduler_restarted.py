"""16: the scheduler is killed in motion and started again. The controller stops alone, the new one moves nothing.

Not here: the watchdog of commands (test_control_faults.py), answers from before a restart (test_scheduler_faults.py).
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


def _kill_in_motion(graph: Live) -> float:
    """The moment on the run's clock; the arm is at rest now."""
    graph.move()
    killed_s = graph.witness.at(graph.kill("scheduler"))
    graph.until(lambda: not graph.witness.armed, "the guard stops the arm")
    graph.rest()
    return killed_s


@EACH_ROBOT
def test_the_controller_stops_alone_and_a_new_scheduler_moves_nothing(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    killed_s, witness = _kill_in_motion(graph), graph.witness
    stop_s, rest_s, code = witness.stopped_after(killed_s), witness.rested_after(killed_s), witness.error_code
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        16, "scheduler killed", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s, code=code,
    )  # fmt: skip
    assert code == ErrorCode.CONTROL_COMMAND_STALE
    assert stop_s <= witness.config.safety.command_timeout_s + 0.1 and rest_s <= bound_s
    began_s = witness.sim_s
    graph.start_again("scheduler")
    graph.nothing_moves(began_s)
    assert witness.bad_commands() == []


@pytest.mark.thorough
def test_a_new_scheduler_knows_no_goal_and_works_after_a_recovery(standing: Callable[[str], Live]) -> None:
    graph = standing("franka")
    _kill_in_motion(graph)
    began_s = graph.witness.sim_s
    graph.start_again("scheduler")
    graph.until(lambda: graph.task.over, "the client is told that its goal is gone")
    assert graph.task.refused, "the new scheduler knows the goal of the one before"
    graph.send()
    refused = graph.result()
    assert refused.error_code == ErrorCode.CONTROL_COMMAND_STALE and "segue/recover" in refused.error_text
    assert not graph.witness.was_armed(began_s)
    graph.works_again()
    assert graph.witness.bad_commands() == []


@pytest.mark.thorough
def test_a_run_whose_scheduler_is_killed_ends_with_an_arm_at_rest(
    watched: Callable[..., Watched], figures: Figures
) -> None:
    run = watched("franka").moving()
    killed_s = run.witness.at(run.signal("scheduler", signal.SIGKILL))
    assert run.run.wait() == ExitStatus.NODE_FAILED
    rest_s = run.witness.rested_after(killed_s)
    figures.add(16, "scheduler of a run killed", "franka", rest_ms=1e3 * rest_s, code=607)
    assert "node 'scheduler' ended (killed by SIGKILL)" in run.told()["reason"]
    assert rest_s <= 0.3 + rest_bound_s("franka") and run.witness.bad_commands() == []
    assert run.run.nodes() == {}
