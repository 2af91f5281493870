"""Laws of the pour's score (Legato, Table A.1)."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_sim.episode import Episode
from segue_sim.parts.base import set_free_pose
from segue_sim.parts.blocks import Blocks
from segue_sim.scores.pour import in_bowl
from segue_sim.testing import load_task


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((0.0, 0.0, 0.02), True),
        ((0.06, 0.0, 0.02), False),
        ((0.0, 0.0, 0.08), False),
        ((0.0, 0.0, -0.01), False),
    ],
)
def test_a_block_is_in_a_bowl_within_its_rim(point: tuple[float, float, float], inside: bool) -> None:
    foot = np.array([0.4, 0.1, 0.0])
    assert in_bowl(np.array([point]) + foot, foot).tolist() == [inside]


@pytest.fixture(scope="module")
def pour(robot: RobotConfig) -> Episode:
    return Episode(robot, load_task("pour"), render=False)


def move_blocks(world: Episode, bowl: str, count: int | None = None) -> None:
    """Put the first `count` blocks into a bowl."""
    foot = world.object_position(bowl)
    for i, name in enumerate(world.part("blocks", Blocks).names[:count]):
        angle = np.pi / 2 * i
        spot = foot + np.array([0.01 * np.cos(angle), 0.01 * np.sin(angle), 0.02 + 0.014 * (i // 4)])
        set_free_pose(world.model, world.data, name, (spot[0], spot[1], spot[2]), 0.0)
    world.advance(0.4)


def test_over_and_back_is_one_operation_and_all_points(pour: Episode) -> None:
    pour.reset(0)
    pour.advance(0.2)
    assert (pour.task_state().placed, pour.task_state().score) == (0, 0.0)
    move_blocks(pour, "bowl_2")
    assert (pour.task_state().placed, pour.task_state().score, pour.task_state().success) == (1, 0.0, False)
    move_blocks(pour, "bowl_1")
    assert (pour.task_state().placed, pour.task_state().score, pour.task_state().success) == (2, 10.0, True)


def test_with_three_operations_each_is_a_third(robot: RobotConfig) -> None:
    task = load_task("pour").model_copy(update={"goal": {"operations": 3}})
    world = Episode(robot, task, render=False)
    move_blocks(world, "bowl_2")
    move_blocks(world, "bowl_1")
    assert world.task_state().score == pytest.approx(10 / 3)
    assert not world.task_state().success


def test_a_pour_that_leaves_a_block_behind_is_not_done(pour: Episode) -> None:
    pour.reset(0)
    pour.advance(0.2)
    move_blocks(pour, "bowl_2", 7)
    assert pour.task_state().placed == 0


def test_each_block_on_the_table_costs_a_point_and_four_cost_three(pour: Episode) -> None:
    pour.reset(0)
    for count in range(1, 5):
        for i in range(count):
            set_free_pose(pour.model, pour.data, f"blocks_{i}", (0.3, 0.03 * i, 0.01), 0.0)
        pour.advance(0.3)
        assert pour.task_state().score == -min(count, 3)
