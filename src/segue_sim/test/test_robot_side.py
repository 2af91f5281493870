"""The robot's own end of the wire and its clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.hardware.robot_side import RobotSide
from segue_core.errors import ControlError, ErrorCode
from segue_sim.sim_clock import SimClock

_NAMES = ("a1", "a2", "grip")


def _side() -> RobotSide:
    return RobotSide(_NAMES, 2, timeout_s=0.04)


def test_joints_are_taken_by_name_in_any_order() -> None:
    side = _side()
    side.receive(("grip", "a2", "a1"), np.array([0.5, 2.0, 1.0]), now_s=0.0)
    target = side.target(0.01)
    assert target is not None
    assert (target.positions.tolist(), target.grippers.tolist()) == ([1.0, 2.0], [0.5])


def test_a_command_older_than_the_timeout_is_not_followed_and_counted_once() -> None:
    side = _side()
    side.receive(_NAMES, np.zeros(3), now_s=1.0)
    assert side.target(1.039) is not None
    assert [side.target(now) for now in (1.05, 1.06, 9.0)] == [None, None, None]
    assert (side.timeouts, side.holding) == (1, True)


def test_a_robot_that_holds_follows_again_only_a_newer_command() -> None:
    side = _side()
    side.receive(_NAMES, np.zeros(3), now_s=1.0)
    side.target(2.0)
    side.receive(_NAMES, np.ones(3), now_s=2.0)
    assert side.target(2.01) is not None


def test_nothing_is_followed_after_a_new_episode_began() -> None:
    side = _side()
    side.receive(_NAMES, np.zeros(3), now_s=1.0)
    side.clear()
    assert side.target(1.0) is None
    assert side.timeouts == 0


def test_a_robot_that_follows_one_publisher_follows_no_second_one_until_it_has_come_to_rest() -> None:
    """Fault 15: commands that are fine in themselves, from somebody else."""
    side = _side()
    side.receive(_NAMES, np.full(3, 0.1), now_s=1.0, sender=b"owner")
    for now in (1.01, 1.03, 1.039):
        with pytest.raises(ControlError, match="second publisher") as raised:
            side.receive(_NAMES, np.full(3, 0.2), now_s=now, sender=b"other")
        assert raised.value.code is ErrorCode.CONTROL_FOREIGN_COMMAND
        target = side.target(now)
        assert target is not None and target.positions.tolist() == [0.1, 0.1]
    assert side.refused == 3
    assert side.target(1.05) is None, "what was refused is no sign of life"
    side.receive(_NAMES, np.full(3, 0.2), now_s=1.06, sender=b"other")
    assert side.target(1.06) is not None


@pytest.mark.parametrize(
    ("names", "values", "code"),
    [
        (_NAMES, [0.0, float("nan"), 0.0], ErrorCode.CONTROL_NOT_FINITE),
        (_NAMES, [0.0, float("inf"), 0.0], ErrorCode.CONTROL_NOT_FINITE),
        (_NAMES, [0.0, 0.0], ErrorCode.CONTROL_WRONG_SHAPE),
        (("a1", "a2"), [0.0, 0.0], ErrorCode.CONTROL_WRONG_SHAPE),
        (("a1", "a1", "grip"), [0.0, 0.0, 0.0], ErrorCode.CONTROL_WRONG_SHAPE),
        (("a1", "a2", "other"), [0.0, 0.0, 0.0], ErrorCode.CONTROL_WRONG_SHAPE),
    ],
)
def test_a_bad_command_is_refused_and_the_one_before_stands(
    names: tuple[str, ...], values: list[float], code: ErrorCode
) -> None:
    side = _side()
    side.receive(_NAMES, np.full(3, 0.25), now_s=0.0)
    with pytest.raises(ControlError) as raised:
        side.receive(names, np.array(values), now_s=0.01)
    target = side.target(0.02)
    assert raised.value.code == code
    assert side.refused == 1
    assert target is not None and target.positions.tolist() == [0.25, 0.25]


@given(st.integers(min_value=0, max_value=2000))
def test_the_time_of_a_tick_floors_to_that_tick(steps: int) -> None:
    clock = SimClock(120.0, 4)
    for _ in range(steps):
        clock.advance()
    assert clock.nanoseconds * 30 // 1_000_000_000 == clock.tick
    assert clock.on_tick == (steps % 4 == 0)
