"""Laws of the reverse temporal ensemble: chains are aligned where they end, and only those of one goal are mixed."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from segue_core.action_space import SINGLE_ARM_EE
from segue_core.chunk import ActionChunk
from segue_scheduler import continuation
from segue_scheduler.continuation.base import Continuation
from segue_scheduler.splice import Timeline
from segue_scheduler.testing.line_robot import SPACE


def method(**options: float) -> Continuation:
    return continuation.create("reverse_temporal_ensemble", options)


def line(rows: ArrayLike, start: int = 0, sequence: int = 0) -> ActionChunk:
    return ActionChunk(np.array(rows, dtype=np.float32)[:, None], start, "test", sequence)


def rows_after(chunks: list[ActionChunk], now: list[int], **options: float) -> np.ndarray:
    timeline, ensemble = Timeline(1), method(**options)
    for chunk, tick in zip(chunks, now, strict=True):
        ensemble.merge(timeline, chunk, tick, SPACE)
    return timeline.rows_from(now[-1])[:, 0]


def test_chains_of_different_lengths_are_mixed_row_by_row_from_the_keyframe_back() -> None:
    old, new = line([0.5, 0.6, 0.7, 0.8]), line([0.40, 0.52, 0.62, 0.72, 0.82], 1, 1)
    mixed = rows_after([old, new], [0, 1], m=0.0)
    np.testing.assert_allclose(mixed, [0.40, 0.52, 0.61, 0.71, 0.81], atol=1e-6)  # old: 0.6 0.7 0.8 is left


def test_a_shorter_chain_leaves_out_what_is_far_from_the_keyframe() -> None:
    mixed = rows_after([line([0.5, 0.6, 0.7, 0.8]), line([0.74, 0.84], 1, 1)], [0, 1], m=0.0)
    np.testing.assert_allclose(mixed, [0.72, 0.82], atol=1e-6)


def test_a_goal_that_is_held_is_where_a_chain_ends() -> None:
    held = line([0.62, 0.72, 0.82, 0.82, 0.82], 1, 1)
    mixed = rows_after([line([0.5, 0.6, 0.7, 0.8]), held], [0, 1], m=0.0)
    np.testing.assert_allclose(mixed, [0.61, 0.71, 0.81, 0.81, 0.81], atol=1e-6)
    again = rows_after([line([0.5, 0.6, 0.7, 0.8]), held, line([0.74, 0.84], 2, 2)], [0, 1, 2], m=0.0)
    np.testing.assert_allclose(again, [(0.7 + 0.72 + 0.74) / 3, 0.82], atol=1e-6)


@pytest.mark.parametrize("m", [-0.3, 0.0, 0.01, 0.3])
def test_the_weights_are_those_of_an_ensemble_the_oldest_first(m: float) -> None:
    keyframes = np.array([0.80, 0.81, 0.79, 0.82])
    chunks = [line([0.0, keyframe], sequence=n) for n, keyframe in enumerate(keyframes)]
    mixed = rows_after(chunks, [0] * 4, m=m)
    np.testing.assert_allclose(mixed[-1], np.average(keyframes, weights=np.exp(-m * np.arange(4))), atol=1e-6)


def test_a_chain_to_another_goal_takes_the_place_of_the_mean_which_begins_anew() -> None:
    far, near = line([0.9, 1.0], 0, 1), line([0.92, 1.02], 0, 2)
    np.testing.assert_allclose(rows_after([line([0.0, 0.1]), far], [0, 0]), [0.9, 1.0], atol=1e-6)
    mixed = rows_after([line([0.0, 0.1]), far, near], [0, 0, 0], m=0.0)
    np.testing.assert_allclose(mixed, [0.91, 1.01], atol=1e-6)


def test_keyframes_that_differ_in_a_gripper_are_two_goals() -> None:
    opened = np.tile([0.4, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0], (3, 1))
    closed = opened.copy()
    closed[-1, 6], closed[:, 0] = 0.0, 0.41
    timeline, ensemble = Timeline(7), method()
    for number, rows in enumerate((opened, closed)):
        chunk = ActionChunk(rows.astype(np.float32), 0, "test", number)
        ensemble.merge(timeline, chunk, 0, SINGLE_ARM_EE)
    np.testing.assert_allclose(timeline.rows_from(0), closed, atol=1e-6)


def test_a_chain_that_is_wholly_past_changes_nothing_and_a_new_run_forgets() -> None:
    timeline, ensemble = Timeline(1), method(m=0.0)
    ensemble.merge(timeline, line([0.1, 0.2, 0.3, 0.4]), 0, SPACE)
    assert ensemble.merge(timeline, line([0.5, 0.6], 0, 1), 2, SPACE) == 2
    np.testing.assert_allclose(timeline.rows_from(2)[:, 0], [0.3, 0.4], atol=1e-6)
    ensemble.reset()
    timeline.clear()
    ensemble.merge(timeline, line([0.3, 0.38], 2, 2), 2, SPACE)
    np.testing.assert_allclose(timeline.rows_from(2)[:, 0], [0.3, 0.38], atol=1e-6)
