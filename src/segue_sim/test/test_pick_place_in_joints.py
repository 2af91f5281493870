"""The pick-and-place expert speaks the action space of its robot, joints as well as tool poses."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim import experts
from segue_sim.disturbance import Disturbance
from segue_sim.disturbed_actions import DisturbedActions
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


def test_its_joint_actions_are_disturbed_where_they_bring_the_tools(in_joints: Episode) -> None:
    expert, space = _begun(in_joints), OwnSpace(in_joints)
    disturbed = DisturbedActions(in_joints, SEED)
    off = []
    for _ in range(60):
        clean = expert.act()
        executed = disturbed.apply(clean, False)
        assert executed.shape == clean.shape
        off.append(np.abs(space.poses_of(executed) - space.poses_of(clean))[:3].max())
    assert 0.003 < max(off) < 0.1


def test_actions_of_tool_poses_are_disturbed_as_they_are(world: Episode) -> None:
    world.reset(SEED)
    action = np.linspace(0.0, 1.0, world.robot.action_space.dim)
    disturbed, plain = DisturbedActions(world, SEED), Disturbance(world.robot.action_space, SEED)
    assert all(np.array_equal(disturbed.apply(action, False), plain.apply(action, False)) for _ in range(50))
