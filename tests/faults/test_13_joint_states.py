"""13: joint states that stop, are NaN, lack a joint, are another robot's, or the same for ever. The arm stops.

Within 100 ms of their age; with frozen ones once a joint was told to go further than joints stick.

Whether several publishers make one robot is in the tests of segue_control and segue_ros. That the arm moves before each
fault shows that the one before left no harm.
"""

import math
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import pytest
from sensor_msgs.msg import JointState

from segue_core.errors import ErrorCode

from .figures import Figures
from .hands import EACH_ROBOT
from .relay import Spoil, changed, silent
from .relayed import Relayed

pytestmark = [pytest.mark.system, pytest.mark.slow]

_SAID_S = 0.1  # the guard's words come so often
_FOUND_S = 0.5  # frozen joints of an arm that was in full motion


def _not_finite(message: JointState) -> list[float]:
    return [message.position[0], math.nan, *message.position[2:]]


def _but_first(name: str) -> Callable[[JointState], Any]:
    return lambda message: getattr(message, name)[1:]


def _beside_another() -> Spoil:
    """Another program tells the same joints at its own rate, of an arm that is elsewhere."""
    every = count()

    def spoil(message: JointState) -> Iterable[JointState]:
        (other,) = changed(position=[q + 0.3 for q in message.position])(message)
        return (message, other) if next(every) % 4 == 0 else (message,)

    return spoil


def _frozen() -> Spoil:
    """The driver repeats its last sample under fresh stamps."""
    kept: list[JointState] = []

    def spoil(message: JointState) -> Iterable[JointState]:
        kept.extend([message] if not kept else [])
        return changed(position=kept[0].position, velocity=kept[0].velocity)(message)

    return spoil


_FAULTS: dict[str, tuple[Callable[[], Spoil], str]] = {
    "silent": (lambda: silent, "no fresh joint states"),
    "one is NaN": (lambda: changed(position=_not_finite), "got nan for "),
    "one is missing": (
        lambda: changed(**{name: _but_first(name) for name in ("name", "position", "velocity")}),
        "last told",
    ),
    "fewer values than names": (lambda: changed(position=_but_first("position")), "positions for"),
    "none": (lambda: changed(name=[], position=[], velocity=[]), "no fresh joint states"),
    "a second publisher": (_beside_another, " jumped"),
    "frozen": (_frozen, " is frozen"),
}
_DAILY = ("silent", "a second publisher")
_CASES = [pytest.param(name, marks=[] if name in _DAILY else [pytest.mark.thorough]) for name in _FAULTS]


@pytest.mark.parametrize("fault", _CASES)
@EACH_ROBOT
def test_joint_states_that_fail_stop_the_arm_until_a_person_recovers_it(
    robot: str, fault: str, relayed: Callable[[str], Relayed], figures: Figures
) -> None:
    graph, (spoil, says) = relayed(robot), _FAULTS[fault]
    graph.move()
    since_s = graph.spoil(graph.joints, spoil())
    result = graph.result()
    came = graph.joints.came
    found_s = _FOUND_S if fault == "frozen" else 0.1
    allowed_s = graph.witness.config.safety.state_timeout_s + found_s + _SAID_S
    stop = graph.stopped(since_s, allowed_s)
    figures.add(13, f"joint states: {fault}", robot, **stop, code=result.error_code)
    assert came > 0
    assert result.error_code == ErrorCode.CONTROL_STATE_STALE and says in result.reason, result
    graph.heal()
    healed_s = graph.witness.sim_s
    graph.nothing_moves(healed_s)
    graph.send()
    refused = graph.result()
    assert refused.error_code and "segue/recover" in refused.reason, refused
    assert not graph.witness.was_armed(healed_s)
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")


@pytest.mark.thorough
@EACH_ROBOT
def test_nothing_is_armed_while_two_publishers_tell_the_same_joints(
    robot: str, relayed: Callable[[str], Relayed]
) -> None:
    graph = relayed(robot)
    since_s = graph.spoil(graph.joints, _beside_another())
    graph.pass_s(0.5)
    refused = graph.arm()
    assert not refused.success and "second publisher" in refused.error_text
    graph.nothing_moves(since_s)
    graph.heal()
    graph.pass_s(0.6)
    graph.works_again()
