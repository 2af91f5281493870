"""Laws of the towel's score (Legato, Table A.1)."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_sim.episode import Episode
from segue_sim.parts.towel import Towel
from segue_sim.scores.towel import folds
from segue_sim.testing import load_task

SIZE = (0.28, 0.26)


def flat(yaw: float = 0.0) -> np.ndarray:
    """Knots (5, 7, 3) of a towel on the table."""
    x, y = np.meshgrid(np.linspace(0, SIZE[0], 5), np.linspace(0, SIZE[1], 7), indexing="ij")
    c, s = np.cos(yaw), np.sin(yaw)
    return np.stack([c * x - s * y, s * x + c * y, np.full_like(x, 0.008)], axis=-1)


def folded(points: np.ndarray, side: int, at: float) -> np.ndarray:
    """The towel folded at a line across axis `side`: what lies beyond is turned over."""
    result = points.copy()
    result[..., side] = np.where(points[..., side] > at, 2 * at - points[..., side], points[..., side])
    return result


def count(points: np.ndarray, yaw: float = 0.0) -> int:
    return folds(points, SIZE[0] * SIZE[1], yaw, 0.055)


LENGTHWISE = folded(flat(), 0, 0.14)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (flat(), 0),
        (folded(flat(), 0, 0.24), 0),  # only a hem
        (LENGTHWISE, 1),
        (folded(flat(), 1, 0.13), 1),
        (folded(LENGTHWISE, 0, 0.07), 2),
        (folded(LENGTHWISE, 1, 0.13), 2),
        (LENGTHWISE + np.array([0.0, 0.0, 0.2]), 0),  # in the air
    ],
)
def test_folds_are_counted_by_shape(points: np.ndarray, expected: int) -> None:
    assert count(points) == expected


def test_a_crumpled_towel_is_not_folded() -> None:
    points = flat()
    points[0, 0], points[-1, -1] = points[2, 3], points[2, 3]
    assert count(points) == 0


def test_a_turned_towel_is_measured_along_its_own_sides() -> None:
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1.0]])
    assert count(LENGTHWISE @ turn.T, yaw=0.3) == 1


def test_a_towel_lies_still_and_flat_until_somebody_takes_it(robot: RobotConfig) -> None:
    world = Episode(robot, load_task("towel"), seed=2, render=False)
    towel = world.part("towel", Towel)
    before = towel.points(world.data)
    world.advance(1.0)
    assert np.abs(towel.points(world.data) - before).max() < 2e-3
    assert world.task_state().score == 0.0
