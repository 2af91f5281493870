"""Laws of the bowls' score (Legato, Table A.1)."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_sim.bowl import PITCH
from segue_sim.episode import Episode
from segue_sim.parts.base import set_free_pose
from segue_sim.scores.bowls import pile_of
from segue_sim.testing import load_task


def at(x: float, z: float) -> np.ndarray:
    return np.array([x, 0.0, z])


UP = {"a": True, "b": True, "c": True}


def test_nested_bowls_are_a_pile_from_the_table_up() -> None:
    assert pile_of({"c": at(0.4, 2 * PITCH), "a": at(0.4, 0), "b": at(0.4, PITCH)}, UP) == ("a", "b", "c")


def test_bowls_side_by_side_are_no_pile() -> None:
    assert pile_of({"a": at(0.4, 0), "b": at(0.42, 0), "c": at(0.6, 0)}, UP) == ()


@pytest.mark.parametrize("height", [0.3 * PITCH, 0.06, 0.2])
def test_a_bowl_over_another_but_not_in_it_is_no_pile(height: float) -> None:
    assert pile_of({"a": at(0.4, 0), "b": at(0.4, height)}, UP) == ()


def test_a_tilted_bowl_is_not_stacked() -> None:
    assert pile_of({"a": at(0.4, 0), "b": at(0.4, PITCH)}, {"a": True, "b": False}) == ()


@pytest.fixture(scope="module")
def bowls(robot: RobotConfig) -> Episode:
    return Episode(robot, load_task("bowls"), render=False)


def put(world: Episode, name: str, x: float, z: float) -> None:
    set_free_pose(world.model, world.data, name, (x, 0.0, z), 0.0)


def test_every_bowl_of_a_pile_counts_two_points(bowls: Episode) -> None:
    bowls.reset(0)
    put(bowls, "bowl_1", 0.5, 0.0)
    put(bowls, "bowl_2", 0.5, PITCH + 0.002)
    put(bowls, "bowl_3", 0.36, 0.0)
    bowls.advance(0.3)
    assert (bowls.task_state().score, bowls.task_state().success) == (4.0, False)
    put(bowls, "bowl_3", 0.5, 2 * PITCH + 0.004)
    bowls.advance(0.3)
    assert (bowls.task_state().score, bowls.task_state().success) == (6.0, True)


def test_a_bowl_that_was_turned_over_costs_one_point_once(bowls: Episode) -> None:
    bowls.reset(0)
    address = bowls.model.joint("bowl_1").qposadr[0]
    bowls.data.qpos[address : address + 7] = (0.3, 0.0, 0.06, 0.0, 1.0, 0.0, 0.0)
    bowls.advance(2.0)
    assert bowls.task_state().score == -1.0
