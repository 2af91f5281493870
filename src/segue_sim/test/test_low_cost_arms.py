"""The arms that most labs own: a five-joint arm with one moving jaw, and two six-joint arms that face each other."""

import numpy as np
import pytest
from driven_world import DrivenWorld, demonstrate

from segue_core.contracts.base import parse_model
from segue_core.contracts.robot import RobotConfig
from segue_sim.episode import Episode
from segue_sim.grippers import Grippers
from segue_sim.testing import load_robot, load_task

TASKS = {"so100": "cube_to_bin", "aloha": "hand_over"}
IN_POSES = {"so100": "single_arm_ee", "aloha": "dual_arm_ee"}


def _told_poses(name: str) -> RobotConfig:
    """The robot as its page says that it is told tool poses: two lines of its contract are others."""
    data = load_robot(name).model_dump(mode="json", exclude_none=True)
    data |= {"action_space_name": IN_POSES[name], "controller": {"kind": "cartesian_pose"}}
    return parse_model(data, RobotConfig, f"{name}.yaml")


@pytest.fixture(scope="module")
def so100() -> Episode:
    return Episode(_told_poses("so100"), load_task("cube_to_bin"), render=False)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_home_is_held_and_points_down(name: str) -> None:
    world = Episode(load_robot(name), load_task(TASKS[name]), render=False)
    home = world.joint_positions()
    world.advance(2.0)
    assert np.abs(world.joint_positions() - home).max() < 3e-3
    assert np.abs(world.joint_velocities()).max() < 1e-3
    for arm in world.robot.arms:
        down = world.data.site(f"{arm.name}_tool").xmat.reshape(3, 3)[:, 2]
        np.testing.assert_allclose(down, (0, 0, -1), atol=5e-3)


@pytest.mark.parametrize("opening", [0.0, 0.5, 1.0])
def test_one_jaw_goes_to_the_opening_that_it_is_told(so100: Episode, opening: float) -> None:
    so100.reset(0)
    so100.apply(so100.joint_positions(), np.array([opening]))
    so100.advance(1.5)
    np.testing.assert_allclose(so100.gripper_positions(), opening, atol=0.03)
    np.testing.assert_allclose(list(so100.commanded_openings().values()), opening, atol=1e-9)


def test_the_jaw_holds_only_what_touches_the_hand_as_well(so100: Episode) -> None:
    grippers, cube = Grippers(so100.model, so100.robot), int(so100.model.body("cube").id)
    jaw, hand = grippers.fingers(0)
    assert not jaw & hand, "the jaw hangs on the hand and is no part of it"

    def holding(*fingers: frozenset[int]) -> bool:
        return grippers.holding({(min(finger), cube) for finger in fingers}, frozenset({cube})) == [True]

    assert holding(jaw, hand)
    assert not holding(jaw) and not holding(hand)


def test_a_cube_in_the_jaw_does_not_creep(so100: Episode) -> None:
    rig = DrivenWorld(so100, 4)
    at, yaw = so100.object_position("cube"), so100.object_yaw("cube")
    for opening, height, ticks in ((0.6, 0.05, 50), (0.6, 0.016, 30), (0.0, 0.016, 30), (0.0, 0.08, 40)):
        for _ in range(ticks):
            rig.tick(rig.action((at[0], at[1], height), yaw, opening))
    assert so100.touched() == {"arm_gripper": "cube"}
    before = so100.object_position("cube") - so100.tool_position("arm")
    for _ in range(90):
        rig.tick(rig.action((at[0], at[1], 0.08), yaw, 0.0))
    assert np.linalg.norm(so100.object_position("cube") - so100.tool_position("arm") - before) < 1e-3


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_expert_solves_the_task_in_joints_and_in_tool_poses(name: str) -> None:
    for robot in (load_robot(name), _told_poses(name)):
        state = demonstrate(robot, load_task(TASKS[name]), 3)
        assert (state.success, state.score) == (True, 10.0), f"{robot.action_space_name}: {state.text}"
