"""Planned moves reach the joints as commands do: one row per tick, owned, watched, bounded."""

import numpy as np
import pytest

from segue_control.controller import RobotController
from segue_control.targets.joint_targets import JointCodec
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

UPDATES, PERIOD_S = 4, 1.0 / 120.0


def _ramp(q: np.ndarray, codec: JointCodec, ticks: int = 60) -> list[np.ndarray]:
    """A slow cosine out of `q` and to rest, every joint its own way."""
    swing = 0.1 * np.cos(np.arange(len(q)))
    shares = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, ticks))
    rows = [codec.action(q + share * swing, np.ones(2)) for share in shares]
    return rows + rows[-1:] * 3


def test_a_planned_move_passes_the_guard_unchanged_and_ends_where_it_was_to_end(
    robot: RobotConfig,
) -> None:
    controller, codec = RobotController(robot), JointCodec(robot)
    home = controller.kinematics.home
    controller.reset(home)
    rows = _ramp(home, codec)
    for tick, row in enumerate(rows):
        controller.set_joint_target(row, tick)
        for _ in range(UPDATES):
            command = controller.update(PERIOD_S)
            assert controller.active_limits == ()
    np.testing.assert_allclose(command.q, codec.joints(rows[-1]), atol=1e-9)


def test_a_target_that_is_too_far_is_moved_to_what_the_joint_can_reach_in_one_tick(
    robot: RobotConfig,
) -> None:
    controller, codec = RobotController(robot), JointCodec(robot)
    home = controller.kinematics.home
    controller.reset(home)
    controller.set_joint_target(codec.action(home + 1.0, np.ones(2)), 0)
    assert controller.guard.counts["step:left_joint1"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda row: row[:-1], ErrorCode.CONTROL_WRONG_SHAPE),
        (lambda row: np.where(np.arange(row.size) == 3, np.nan, row), ErrorCode.CONTROL_NOT_FINITE),
    ],
)
def test_malformed_rows_are_refused(robot: RobotConfig, change, code: ErrorCode) -> None:  # type: ignore[no-untyped-def]
    controller, codec = RobotController(robot), JointCodec(robot)
    controller.reset(controller.kinematics.home)
    with pytest.raises(ControlError) as refused:
        controller.set_joint_target(change(codec.action(controller.kinematics.home, np.ones(2))), 0)
    assert refused.value.code is code


def test_a_policy_and_a_planned_move_never_take_turns_without_disarming(robot: RobotConfig) -> None:
    controller, codec = RobotController(robot), JointCodec(robot)
    home = controller.kinematics.home
    row, action = codec.action(home, np.ones(2)), controller.kinematics.forward(home, np.ones(2))
    controller.reset(home)
    controller.set_joint_target(row, 0)
    with pytest.raises(ControlError, match="planned move"):
        controller.set_target(action, 1)
    controller.reset(home)
    controller.set_target(action, 0)
    with pytest.raises(ControlError, match="policy"):
        controller.set_joint_target(row, 1)


def test_a_move_that_stops_coming_stops_the_robot(robot: RobotConfig) -> None:
    controller, codec = RobotController(robot), JointCodec(robot)
    home = controller.kinematics.home
    controller.reset(home)
    controller.set_joint_target(codec.action(home, np.ones(2)), 0)
    for _ in range(40):
        controller.update(PERIOD_S)
    assert controller.guard.fault is not None
    assert controller.guard.fault.code is ErrorCode.CONTROL_COMMAND_STALE
