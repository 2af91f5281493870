"""Scripted experts solve their tasks through the same actions, controller and physics as a policy."""

import numpy as np
import pytest
from driven_world import demonstrate

from segue_core.contracts.robot import RobotConfig
from segue_sim import experts
from segue_sim.episode import Episode
from segue_sim.testing import load_robot, load_task

FULL_MARKS = {"pick_place": 10.0, "bowls": 6.0, "drawer": 10.0, "pour": 10.0, "towel": 10.0}


@pytest.mark.parametrize("name", FULL_MARKS)
def test_an_expert_solves_its_task_with_full_marks(robot: RobotConfig, name: str) -> None:
    state = demonstrate(robot, load_task(name), seed=3)
    assert (state.success, state.score) == (True, FULL_MARKS[name]), state.text


@pytest.mark.parametrize(
    "name", ["open_drawer", "take_lid", "stack_wine", "orange_to_plate", "toy_to_drawer"]
)
def test_a_task_of_yaml_alone_is_solved_with_full_marks(name: str) -> None:
    task = load_task(name)
    state = demonstrate(load_robot(task.robot), task, seed=3)
    assert (state.success, state.score) == (True, 10.0), state.text


@pytest.mark.parametrize("name", ["bowls", "drawer", "towel"])
def test_an_expert_recovers_from_disturbances(robot: RobotConfig, name: str) -> None:
    state = demonstrate(robot, load_task(name), seed=30, disturbed=True)
    assert state.success, state.text


def test_more_bowls_are_one_line_more(robot: RobotConfig) -> None:
    bowls = load_task("bowls").model_copy(update={"objects": tuple(f"bowl_{i}" for i in range(1, 5))})
    state = demonstrate(robot, bowls, seed=1)
    assert (state.success, state.total) == (True, 4), state.text


def test_actions_of_an_expert_are_within_what_the_robot_may_be_told(robot: RobotConfig) -> None:
    world = Episode(robot, load_task("drawer"), 3, render=False)
    action = experts.create(world, 3).act()
    assert action.shape == (robot.action_space.dim,)
    assert np.array_equal(robot.action_space.clip(action), action)
