"""Laws of the score (Legato, Table A.1)."""

import numpy as np
import pytest

from segue_sim.parts.box import inside_box
from segue_sim.scores.pick_place import Grip, ScoreKeeper

G = "left_gripper"


def keeper() -> ScoreKeeper:
    return ScoreKeeper({G: Grip()})


def feed(
    score: ScoreKeeper,
    ticks: int,
    command: float,
    opening: float,
    height: float = 0.0,
    touched: str | None = None,
    inside: bool = False,
) -> None:
    for _ in range(ticks):
        score.update({G: command}, {G: opening}, {"jar": height}, {G: touched}, {"jar": inside})


def test_everything_in_the_box_without_an_error_scores_ten() -> None:
    assert keeper().score(all_placed=True) == 10.0


def test_fingers_that_meet_without_an_object_are_one_empty_grasp() -> None:
    score = keeper()
    feed(score, 60, command=0.0, opening=0.0)
    assert (score.empty_grasps, score.score(False)) == (1, -1.0)


def test_an_object_that_slips_out_of_a_closed_gripper_was_dropped() -> None:
    score = keeper()
    feed(score, 10, command=0.0, opening=0.5, height=0.05, touched="jar")
    feed(score, 10, command=0.0, opening=0.0, height=0.0)
    assert score.dropped == 1


def test_an_object_released_over_the_box_costs_nothing() -> None:
    score = keeper()
    feed(score, 10, command=0.0, opening=0.5, height=0.05, touched="jar")
    feed(score, 5, command=1.0, opening=1.0, height=0.04)
    feed(score, 30, command=1.0, opening=1.0, height=0.0, inside=True)
    assert score.score(True) == 10.0


def test_an_object_released_beside_the_box_costs_a_point() -> None:
    score = keeper()
    feed(score, 10, command=0.0, opening=0.5, height=0.05, touched="jar")
    feed(score, 30, command=1.0, opening=1.0, height=0.0)
    assert score.missed_container == 1


def test_each_penalty_is_capped_at_three_points() -> None:
    score = keeper()
    for _ in range(7):
        feed(score, 20, command=0.0, opening=0.0)
        feed(score, 2, command=1.0, opening=1.0)
    assert score.empty_grasps == 7
    assert score.score(False) == -3.0


@pytest.mark.parametrize(("x", "inside"), [(0.0, True), (0.08, True), (0.12, False)])
def test_inside_is_judged_in_the_frame_of_the_box(x: float, inside: bool) -> None:
    yaw = 0.3
    point = np.array([0.3, 0.1, 0.02]) + x * np.array([np.cos(yaw), np.sin(yaw), 0.0])
    assert inside_box(point, np.array([0.3, 0.1, 0.0]), yaw, (0.09, 0.09), 0.045) is inside
