"""Laws of the randomised start."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.contracts.task import Region, TaskConfig
from segue_core.errors import ConfigError
from segue_sim.layout import draw_layout
from segue_sim.parts import create

SEEDS = st.integers(0, 2**31)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_objects_start_apart_and_clear_of_the_box(task: TaskConfig, seed: int) -> None:
    box = create("container", task.fixtures["container"])
    layout = draw_layout(task, seed, {"container": box.clearance})
    points = {name: np.array([p.x, p.y]) for name, p in layout.objects.items()}
    for a, b in itertools.combinations(points.values(), 2):
        assert np.linalg.norm(a - b) >= task.object_gap
    place = layout.fixtures["container"]
    for point in points.values():
        assert np.linalg.norm(point - [place.x, place.y]) > np.hypot(0.09, 0.09)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_layout(task: TaskConfig, seed: int) -> None:
    assert draw_layout(task, seed) == draw_layout(task, seed)


def test_different_seeds_give_different_layouts(task: TaskConfig) -> None:
    assert len({draw_layout(task, seed).objects["jar"].x for seed in range(20)}) == 20


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, spread=st.floats(0.3, 1.5), share=st.floats(0.0, 0.9))
def test_things_are_as_far_from_the_middle_of_their_regions_as_they_may_spread(
    task: TaskConfig, seed: int, spread: float, share: float
) -> None:
    drawn = task.model_copy(update={"object_gap": 0.0}).randomised(
        {"spread": spread, "beyond": share * spread}
    )
    layout = draw_layout(drawn, seed)
    regions = {name: fixture.region for name, fixture in task.fixtures.items()}
    regions |= {name: task.object_regions.get(name, task.object_region) for name in task.objects}
    for name, place in (layout.fixtures | layout.objects).items():
        region = regions[name]
        assert isinstance(region, Region)
        away = [
            abs(at - sum(side) / 2) / max((side[1] - side[0]) / 2, 1e-9)
            for at, side in ((place.x, region.x), (place.y, region.y))
            if side[1] > side[0]
        ]
        assert share * spread - 1e-9 <= max(away) <= spread + 1e-9


@pytest.mark.parametrize("wrong", [{"spread": 0.5, "beyond": 0.5}, {"spread": -1}, {"spreads": 1}])
def test_a_spread_that_leaves_no_room_is_refused(task: TaskConfig, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="randomisation of task"):
        task.randomised(wrong)


def test_objects_that_do_not_fit_are_refused_with_the_reason(task: TaskConfig) -> None:
    crowded = task.model_copy(update={"object_gap": 2.0})
    with pytest.raises(ConfigError, match="do not fit in object_region"):
        draw_layout(crowded, 0)
