"""The same faults with a robot that is hardware to the graph: rows 13, 14, 17, 18, 19 and 34 on a rehearsal robot.

Nobody resets its world and no clock waits. What stops it is the hardware node, what it was told last, and the
controller; what it really does is heard from the robot itself. Not here: gate and link alone (test_hardware_link.py),
the back ends against their devices (test_hardware_*.py).
"""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from segue_bringup.supervision.urgency import why_not
from segue_core.errors import ErrorCode

from .busy import hold_up
from .figures import Figures
from .rehearsed import ROBOT, Rehearsed
from .rogue_robot import Wrong
from .witness import REST_RAD_S, rest_bound_s

NOT_URGENT = why_not()
pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.real_time,
    pytest.mark.skipif(bool(NOT_URGENT), reason=NOT_URGENT or "it is allowed"),
]

_LOST = 0.1  # of all messages
_STANDS_S = 2.0  # longer than anybody's time-out
_SAID_S = 0.2  # one word of the guard, and a late process
_SWAY_S = 1.5  # after which a swaying arm has been told everything that it will be
_CODES = (ErrorCode.CONTROL_STATE_STALE, ErrorCode.CONTROL_HARDWARE)  # whichever of the watchdogs is first
_FAULTS = {  # row, and found within [s]
    Wrong.SILENT: (13, 0.1),
    Wrong.FROZEN: (13, 0.5),
    Wrong.NOT_FINITE: (13, 0.1),
    Wrong.CUT_OFF: (14, 0.1),
    Wrong.DEAF: (17, _SWAY_S),
}
_DAILY = (Wrong.SILENT, Wrong.DEAF)
_CASES = [pytest.param(wrong, marks=() if wrong in _DAILY else pytest.mark.thorough) for wrong in _FAULTS]


def _moving(graph: Rehearsed) -> None:
    if late := graph.moving():
        pytest.skip(f"this machine was late before anything was done to it: {late}")


def _stopped(graph: Rehearsed, since_s: float, within_s: float) -> dict[str, Any]:
    """The figures of a stop; what was latched stays so, and nothing moves until robot and guard are recovered."""
    stop = graph.stopped(since_s, within_s)
    graph.nothing_moves(graph.witness.sim_s)
    return stop


def _heals(graph: Rehearsed) -> None:
    graph.heal()
    graph.nothing_moves(graph.witness.sim_s)


def _works_again(graph: Rehearsed) -> None:
    _moving(graph)
    graph.end()
    assert graph.witness.bad_commands() == []


def _allowed_s(graph: Rehearsed) -> float:
    """Until the last of those who watch has given up, and has said so."""
    safety = graph.witness.config.safety
    return safety.state_timeout_s + safety.robot_timeout_s + _SAID_S


@pytest.mark.parametrize("wrong", _CASES, ids=lambda wrong: wrong.value)
def test_a_device_that_fails_stops_arm_and_controller_until_both_are_recovered(
    wrong: Wrong, rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    graph, (row, found_s) = rehearsed("franka"), _FAULTS[wrong]
    _moving(graph)
    before = len(graph.log("hardware"))
    since_s = graph.have(wrong)
    graph.until(lambda: not graph.witness.armed, "the guard stops")
    stop = _stopped(graph, since_s, _allowed_s(graph) + found_s)
    said, code = graph.log("hardware")[before:], graph.witness.error_code
    figures.add(row, f"rehearsal robot: {wrong.value}", "franka", **stop, code=code)
    assert any(f"[{int(expected)}" in said for expected in _CODES)
    assert code in (*_CODES, ErrorCode.CONTROL_EMERGENCY_STOP), "the hardware node stops its controller"
    _heals(graph)
    graph.send()
    refused = graph.result()
    assert refused.error_code and "recover" in refused.reason, refused
    _works_again(graph)


def test_a_tenth_of_all_messages_between_driver_and_device_may_be_lost(
    rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    graph = rehearsed("franka")
    _moving(graph)
    since_s = graph.have(Wrong.LOSS, _LOST)
    graph.pass_s(3.0)
    witness = graph.witness
    figures.add(14, f"rehearsal robot: {100 * _LOST:.0f} % loss", "franka", note="runs on")
    assert witness.armed and not graph.task.over, graph.logs()
    assert witness.top_speed(since_s + 1.0) > REST_RAD_S
    graph.heal()
    graph.end()
    assert witness.bad_commands() == []


@pytest.mark.parametrize("name", ["controller", pytest.param("hardware", marks=pytest.mark.thorough)])
def test_a_process_before_the_device_that_stands_still_and_goes_on_resumes_nothing(
    name: str, rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    graph = rehearsed("franka")
    _moving(graph)
    began, woke = hold_up([graph.pid(name)], _STANDS_S)
    witness = graph.witness
    began_s, woke_s = graph.at(began), graph.at(woke)
    graph.rest()
    rest_s = witness.rested_after(began_s)
    bound_s = witness.config.safety.robot_timeout_s + _SAID_S + rest_bound_s("franka")
    graph.nothing_moves(max(woke_s, witness.sim_s - 0.1))
    figures.add(
        34, f"rehearsal robot: {name} stopped for {_STANDS_S:g} s", "franka", rest_ms=1e3 * rest_s,
        bound_ms=1e3 * bound_s, code=witness.error_code,
    )  # fmt: skip
    assert rest_s <= bound_s
    assert witness.top_speed(woke_s) <= REST_RAD_S, "it went on by itself"
    assert witness.error_code and not witness.armed
    _heals(graph)
    _works_again(graph)


def test_a_device_that_stands_still_and_goes_on_makes_nothing_up(
    rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    """Its own clock ran on meanwhile, so that what it was told last is over."""
    graph = rehearsed("franka")
    _moving(graph)
    witness, before = graph.witness, len(graph.log("hardware"))
    _, woke = hold_up([graph.pid(ROBOT)], _STANDS_S)
    last_s = graph.at(woke)
    graph.until(lambda: not witness.armed, "the guard stops")
    graph.rest()
    rest_s = witness.rested_after(last_s)
    figures.add(
        34, f"rehearsal robot: device stopped for {_STANDS_S:g} s", "franka", rest_ms=1e3 * rest_s,
        code=witness.error_code,
    )  # fmt: skip
    assert any(f"[{int(expected)}" in graph.log("hardware")[before:] for expected in _CODES)
    assert witness.error_code in (*_CODES, ErrorCode.CONTROL_EMERGENCY_STOP)
    graph.nothing_moves(witness.sim_s)
    _works_again(graph)


def test_an_emergency_stop_holds_the_arm_until_it_is_recovered_and_armed_anew(
    rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    graph = rehearsed("franka")
    _moving(graph)
    before_s = graph.witness.sim_s
    graph.emergency_stop()
    graph.until(lambda: not graph.witness.armed, "the guard stops")
    since_s = before_s + graph.witness.stopped_after(before_s)  # a busy machine asks late
    stop = _stopped(graph, since_s, _SAID_S)
    figures.add(19, "rehearsal robot: emergency stop", "franka", **stop, code=graph.witness.error_code)
    assert graph.witness.error_code == ErrorCode.CONTROL_EMERGENCY_STOP
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")
    graph.nothing_moves(graph.witness.sim_s)
    _works_again(graph)


def test_without_hardware_node_the_device_rests_by_what_it_was_told_last(
    rehearsed: Callable[[str], Rehearsed], figures: Figures
) -> None:
    graph = rehearsed("franka")
    _moving(graph)
    witness = graph.witness
    since_s = graph.at(graph.signal("hardware", signal.SIGKILL))
    graph.until(lambda: not witness.armed, "the guard stops")
    stop = _stopped(graph, since_s, _allowed_s(graph))
    figures.add(17, "rehearsal robot: hardware node killed", "franka", **stop, code=witness.error_code)
    assert witness.error_code == ErrorCode.CONTROL_STATE_STALE
    assert stop["rest_ms"] <= 1e3 * (witness.config.safety.robot_timeout_s + _SAID_S + rest_bound_s("franka"))
