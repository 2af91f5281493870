"""17: the controller is killed in motion. The robot's own side stops the arm, and a new controller moves nothing.

Not here: the robot's side alone (test_robot_side.py), the controller of a robot that is not simulated
(test_rehearsal_controller.py).
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
    """The stamp of the last command; the arm is at rest now."""
    graph.move()
    killed_s = graph.witness.at(graph.kill("controller"))
    graph.until(lambda: graph.witness.sim_s > killed_s + 0.5, "time goes on without the controller")
    graph.rest()
    return graph.witness.commands[-1].sim_s


@EACH_ROBOT
def test_the_robots_own_side_stops_the_arm_and_a_new_controller_moves_nothing(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    silent_s, witness = _kill_in_motion(graph), graph.witness
    rest_s, bound_s = (
        witness.rested_after(silent_s),
        witness.config.safety.robot_timeout_s + rest_bound_s(robot),
    )
    figures.add(17, "controller killed", robot, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s)
    assert rest_s <= bound_s
    assert "no answer from the controller" in graph.log("simulator")
    began_s = witness.sim_s
    graph.start_again("controller")
    graph.nothing_moves(began_s)
    assert witness.bad_commands() == []


@pytest.mark.thorough
def test_the_task_ends_and_the_next_one_works_with_the_new_controller(
    standing: Callable[[str], Live],
) -> None:
    graph = standing("franka")
    _kill_in_motion(graph)
    graph.start_again("controller")
    result = graph.end()
    assert result.error_code in set(ErrorCode) and not result.success and result.error_text
    graph.works_again()
    assert graph.witness.bad_commands() == []


@pytest.mark.thorough
def test_a_run_whose_controller_is_killed_ends_and_says_so(
    watched: Callable[..., Watched], figures: Figures
) -> None:
    run = watched("franka").moving()
    run.signal("controller", signal.SIGKILL)
    assert run.run.wait() == ExitStatus.NODE_FAILED
    figures.add(17, "controller of a run killed", "franka", code=607)
    assert "node 'controller' ended (killed by SIGKILL)" in run.told()["reason"]
    assert run.witness.bad_commands() == [] and run.run.nodes() == {}
