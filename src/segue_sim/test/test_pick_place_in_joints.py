"""The pick-and-place expert speaks the action space of its robot, joints as well as tool poses."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim import experts
from segue_sim.episode import Episode
from segue_sim.experts.own_space import OwnSpace
from segue_sim.experts.pick_place import PickPlaceExpert

SEED = 8


@pytest.fixture(scope="module")
def in_joints(robot: RobotConfig, task: TaskConfig) -> Episode:
    told = robot.model_dump() | {
        "action_space_name": "dual_arm_joints_7",
        "controller": {"kind": "joint_position"},
    }
    return Episode(RobotConfig.model_validate(told), task, render=False)


def _begun(world: Episode) -> PickPlaceExpert:
    world.reset(SEED)
    expert = experts.create(world, SEED)
    assert isinstance(expert, PickPlaceExpert)
    return expert


def test_it_moves_a_robot_of_joint_actions_as_one_of_tool_poses(world: Episode, in_joints: Episode) -> None:
    wanted, own = _begun(world), _begun(in_joints)
    said = OwnSpace(in_joints)
    for _ in range(20):
        action = own.act()
        assert action.shape == (in_joints.robot.action_space.dim,)
        assert np.allclose(said.poses_of(action), wanted.act(), atol=2e-3)


def test_it_takes_over_from_joint_actions_where_they_have_brought_the_tools(in_joints: Episode) -> None:
    first = _begun(in_joints)
    commanded = np.array([first.act() for _ in range(12)])
    taken = first.taking_over(commanded[:6], commanded[6:])
    assert np.abs(taken.act() - commanded[5]).max() < 0.05, "no jump"
