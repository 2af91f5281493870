"""34: processes that are stopped and go on, one node or all of them, in motion and at rest. Nothing old is resumed.

A simulation waits for who is late, so that a short stop changes nothing. A long one ends the task with an arm at rest,
and whoever wakes up moves nothing. All nodes at once is what a suspended laptop does. Not here: a client that is
stopped (row 22), `clock:=wall` (row 18).
"""

from collections.abc import Callable

import pytest

from .busy import hold_up
from .figures import Figures
from .hands import TASKS
from .live import Live
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_EVERYTHING = "everything"
_WITH_FRANKA = ("controller", _EVERYTHING, "scheduler", "simulator", "policy", "perception")
_WITH_OTHERS = ("controller", _EVERYTHING)
_CASES = [
    pytest.param("franka", name, marks=() if name == "controller" else pytest.mark.thorough) for name in _WITH_FRANKA
] + [
    pytest.param(robot, name, marks=pytest.mark.thorough)
    for robot in TASKS if robot != "franka" for name in _WITH_OTHERS
]  # fmt: skip
_LONG_S = 8.0


def _pids(graph: Live, name: str) -> list[int]:
    return [pid for node, pid in graph.supervisor.pids.items() if name in (node, _EVERYTHING)]


def _goes_on(graph: Live) -> bool:
    """Whether the task does, some time after the processes went on."""
    began_s = graph.witness.sim_s
    graph.until(lambda: graph.task.over or graph.witness.sim_s > began_s + 1.5, "time goes on")
    return not graph.task.over


_EACH_CASE = pytest.mark.parametrize(("robot", "name"), _CASES, scope="session")


@_EACH_CASE
def test_in_motion_a_long_stop_ends_the_task_and_who_wakes_up_moves_nothing(
    robot: str, name: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph, witness = standing(robot), standing(robot).witness
    graph.move()
    began, woke = hold_up(_pids(graph, name), _LONG_S)
    result = graph.result()
    graph.until(lambda: not witness.armed, "the guard is not armed")
    graph.rest()
    began_s, woke_s = witness.at(began), witness.at(woke)
    stop_s, rest_s = witness.stopped_after(began_s), witness.rested_after(began_s)
    bound_s = stop_s + rest_bound_s(robot)
    figures.add(
        34, f"{name} stopped for 8 s in motion", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s, code=int(result.error_code),
    )  # fmt: skip
    assert result.error_code and result.error_text and rest_s <= bound_s
    if name in ("controller", "scheduler"):  # the arm came to rest without it
        assert witness.rested_after(woke_s) == 0.0, f"moved when the {name} woke up"
    graph.nothing_moves(witness.sim_s)
    graph.works_again()
    assert witness.bad_commands() == []


@_EACH_CASE
@pytest.mark.parametrize("seconds", [0.2, 2.0])
@pytest.mark.thorough
def test_in_motion_a_short_stop_is_waited_for_or_ends_the_task_at_rest(
    robot: str, name: str, seconds: float, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph, witness = standing(robot), standing(robot).witness
    graph.move()
    hold_up(_pids(graph, name), seconds)
    told = "goes on"
    if not _goes_on(graph):
        result = graph.result()
        told = f"[{result.error_code}] {result.rule}"
        graph.until(lambda: not witness.armed, "the guard is not armed")
        graph.rest()
        assert result.error_code and result.error_text
        graph.nothing_moves(witness.sim_s)
    figures.add(34, f"{name} stopped for {seconds:g} s in motion", robot, note=told)
    assert told == "goes on" or seconds > 1.0
    graph.end()
    assert witness.bad_commands() == []


@_EACH_CASE
@pytest.mark.parametrize("armed", [False, True], ids=["disarmed", "armed"])
@pytest.mark.thorough
def test_at_rest_nothing_moves_when_processes_go_on(
    robot: str, name: str, armed: bool, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    graph.move()
    graph.end()
    assert graph.arm(armed).success
    graph.pass_s(0.5)
    since_s = graph.witness.sim_s
    hold_up(_pids(graph, name), _LONG_S)
    graph.pass_s(1.0)
    figures.add(
        34, f"{name} stopped at rest, {'armed' if armed else 'disarmed'}", robot, note="nothing moves"
    )
    assert graph.witness.rested_after(since_s) == 0.0
    assert armed or not graph.witness.was_armed(since_s)
    graph.arm(False)
    graph.works_again()
    assert graph.witness.bad_commands() == []
