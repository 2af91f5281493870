"""Scripted experts solve their tasks through the same actions, controller and physics as a policy."""

import numpy as np
import pytest

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_core.robot_config import RobotConfig
from segue_core.task_config import TaskConfig
from segue_core.task_state import TaskState
from segue_sim import experts
from segue_sim.disturbance import Disturbance
from segue_sim.testing import load_robot, load_task
from segue_sim.world import World


def demonstrate(robot: RobotConfig, task: TaskConfig, seed: int, disturbed: bool = False) -> TaskState:
    """Play the expert in lockstep to its end."""
    world = World(robot, task, seed, render=False)
    controller, expert = RobotController(robot), experts.create(world, seed)
    noise = Disturbance(robot.action_space, seed) if disturbed else None
    controller.reset(world.joint_positions())
    tick, done = 0, 0
    while done < 5 and world.time < task.time_limit_s:
        action = expert.act()
        controller.set_target(noise.apply(action, expert.precise) if noise else action, tick)
        for _ in range(4):
            step(controller, world, 1.0 / robot.control_rate_hz)
        tick, done = tick + 1, done + expert.done
    return world.task_state()


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
    world = World(robot, load_task("drawer"), 3, render=False)
    action = experts.create(world, 3).act()
    assert action.shape == (robot.action_space.dim,)
    assert np.array_equal(robot.action_space.clip(action), action)
