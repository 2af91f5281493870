"""Laws of the score that counts visits and keeps their order, on a pair of boxes with lids."""

from typing import Any

import pytest

from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError
from segue_core.task_state import TaskState
from segue_sim.episode import Episode
from segue_sim.layout import draw_layout
from segue_sim.testing import load_robot, load_task

OPEN, SHUT = 0.13, 0.0


def in_left(seed: int) -> bool:
    return draw_layout(load_task("search_boxes"), seed).objects["block"].y > 0


LEFT, RIGHT = next(s for s in range(99) if in_left(s)), next(s for s in range(99) if not in_left(s))


@pytest.fixture(scope="module")
def boxes() -> Episode:
    return Episode(load_robot("franka"), load_task("search_boxes"), render=False)


def lids(world: Episode, *looked: str, ticks: int = 12) -> TaskState:
    """Slides the lids open one after the other, each for `ticks`; `shut` is a moment with both shut."""
    for name in looked:
        for _ in range(ticks):
            for lid in ("right", "left"):
                world.data.joint(f"{lid}_lid").qpos[0] = OPEN if lid == name else SHUT
            world.advance(1 / world.robot.tick_rate_hz)
    return world.task_state()


@pytest.mark.parametrize(
    ("seed", "looked", "score"),
    [
        (LEFT, ("right", "shut", "left"), 10.0),
        (RIGHT, ("right",), 10.0),  # found at once: the rest of the order is not needed
        (LEFT, ("right", "shut", "right", "shut", "left"), 2.0),  # two of four, and three out of order
        (LEFT, ("left",), -1.0),
        (RIGHT, ("left", "shut", "right"), -3.0),
    ],
)
def test_only_visits_in_order_are_a_success(
    boxes: Episode, seed: int, looked: tuple[str, ...], score: float
) -> None:
    boxes.reset(seed)
    state = lids(boxes, *looked)
    assert (state.success, state.score) == (score == 10.0, score), state.text


def test_a_place_that_is_left_and_reached_again_without_another_in_between_is_one_visit(
    boxes: Episode,
) -> None:
    boxes.reset(LEFT)
    lids(boxes, "right")
    boxes.data.joint("right_lid").qpos[0] = 0.04  # neither open nor shut
    boxes.advance(0.04)
    assert lids(boxes, "right", "shut").placed == 2


def test_one_visit_more_than_the_order_has_ends_the_hope_of_success() -> None:
    goal: dict[str, Any] = {
        "places": {"shut": {"joint": {"name": "right_lid", "below": 0.02}},
                   "open": {"joint": {"name": "right_lid", "above": 0.06}}},
        "order": ["open", "shut"] * 2,
        "success": {"joint": {"name": "right_lid", "below": 0.02}},
        "whole": True,
    }  # fmt: skip
    world = Episode(load_robot("franka"), changed(goal), render=False)
    twice = ("right", "shut", "right", "shut")
    assert [lids(world, look).success for look in (*twice, *twice)] == [False] * 3 + [True] + [False] * 4


def changed(goal: dict[str, Any]) -> TaskConfig:
    task = load_task("search_boxes")
    return task.model_copy(update={"goal": {**task.goal, **goal}})


@pytest.mark.parametrize("order", [["right", "cellar"], ["right", "right"], []])
def test_an_order_of_what_is_no_place_is_refused(order: list[str]) -> None:
    with pytest.raises(ConfigError, match="order"):
        Episode(load_robot("franka"), changed({"order": order}), render=False)


def test_the_seed_alone_chooses_between_several_regions_of_an_object() -> None:
    left = [in_left(seed) for seed in range(200)]
    assert 70 < sum(left) < 130
    assert left == [in_left(seed) for seed in range(200)]
