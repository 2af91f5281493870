"""Laws of the randomised start."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.contracts.task import TaskConfig
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


def test_objects_that_do_not_fit_are_refused_with_the_reason(task: TaskConfig) -> None:
    crowded = task.model_copy(update={"object_gap": 2.0})
    with pytest.raises(ConfigError, match="do not fit in object_region"):
        draw_layout(crowded, 0)
