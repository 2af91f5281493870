"""Mixing actions keeps orientations on SO(3), grippers whole and joints on their short way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segue_core import rotation_xyzw
from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM, ActionSpace, Channel, ChannelKind
from segue_core.blending import blend, continuous, difference

SPACES = [DUAL_ARM_EE, UNIVERSAL_DUAL_ARM]
weights = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def random_actions(space: ActionSpace, seed: int, count: int) -> np.ndarray:
    """Actions (count, D) inside the bounds, with unit quaternions and grippers that are open or closed."""
    rng = np.random.default_rng(seed)
    actions = rng.uniform(space.low, space.high, (count, space.dim))
    for channel in space.channels:
        part = space.slice(channel.name)
        if channel.kind is ChannelKind.QUATERNION:
            actions[:, part] = rotation_xyzw.normalized(actions[:, part])
        if channel.kind is ChannelKind.GRIPPER:
            actions[:, part] = np.round(actions[:, part])
    return actions


def mean_of(space: ActionSpace, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean (D,) of actions (K, D), each mixed in with its share of the weights (K,) so far, as ensembles do it."""
    mean = rows[0]
    for number in range(1, len(rows)):
        mean = blend(space, mean, rows[number], shares[number] / shares[: number + 1].sum())
    return mean


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@given(seed=seeds)
def test_weight_zero_is_the_old_action_and_one_the_new_exactly(space: ActionSpace, seed: int) -> None:
    old, new = random_actions(space, seed, 2)
    np.testing.assert_array_equal(blend(space, old, new, 0.0), old)
    np.testing.assert_array_equal(blend(space, old, new, 1.0), new)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@given(seed=seeds, weight=weights)
def test_a_blend_lies_on_the_way_from_old_to_new(space: ActionSpace, seed: int, weight: float) -> None:
    old, new = random_actions(space, seed, 2)
    whole = difference(space, old, new)
    part = difference(space, old, blend(space, old, new, weight))
    for channel in space.channels:
        where = space.slice(channel.name)
        if channel.kind is not ChannelKind.GRIPPER:
            np.testing.assert_allclose(part[where], weight * whole[where], atol=1e-6)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@given(seed=seeds, weight=weights)
def test_a_blended_gripper_is_never_half_open(space: ActionSpace, seed: int, weight: float) -> None:
    old, new = random_actions(space, seed, 2)
    mixed = blend(space, old, new, weight)
    mean = mean_of(space, random_actions(space, seed, 5), np.full(5, 1 + weight))
    for channel in space.channels:
        if channel.kind is ChannelKind.GRIPPER:
            assert mixed[space.slice(channel.name)].item() in (0.0, 1.0)
            assert mean[space.slice(channel.name)].item() in (0.0, 1.0)


@given(seed=seeds, weight=weights)
def test_a_blended_quaternion_stays_unit(seed: int, weight: float) -> None:
    old, new = random_actions(UNIVERSAL_DUAL_ARM, seed, 2)
    mixed = blend(UNIVERSAL_DUAL_ARM, old, new, weight)
    for side in ("left", "right"):
        orientation = mixed[UNIVERSAL_DUAL_ARM.slice(f"{side}_orientation")]
        assert abs(np.linalg.norm(orientation) - 1) < 1e-9


def test_rotations_blend_across_pi_and_not_through_zero() -> None:
    space = ActionSpace(
        "r", 30.0, (Channel("r", ChannelKind.ROTATION_VECTOR, 3, "rad", (-7,) * 3, (7,) * 3),)
    )
    middle = blend(space, [0, 0, 3.0], [0, 0, -3.0], 0.5)
    assert abs(abs(middle[2]) - np.pi) < 1e-9


def test_wrapping_joints_take_the_short_way_and_others_the_plain_one() -> None:
    def joint(wraps: bool) -> ActionSpace:
        return ActionSpace("j", 30.0, (Channel("j", ChannelKind.JOINT, 1, "rad", (-7,), (7,), wraps),))

    assert blend(joint(True), [3.0], [-3.0], 0.5).item() == pytest.approx(np.pi)
    assert blend(joint(False), [3.0], [-3.0], 0.5).item() == pytest.approx(0.0)


@given(
    arrays(np.float64, (4, 3), elements=st.floats(-5, 5)), arrays(np.float64, 4, elements=st.floats(0.01, 5))
)
def test_the_mean_of_positions_is_the_weighted_mean(rows: np.ndarray, shares: np.ndarray) -> None:
    space = ActionSpace("p", 30.0, (Channel("p", ChannelKind.POSITION, 3, "m", (-9,) * 3, (9,) * 3),))
    np.testing.assert_allclose(
        mean_of(space, rows, shares), np.average(rows, axis=0, weights=shares), atol=1e-9
    )


def test_a_zero_action_counts_in_a_mean() -> None:
    """ACT's ensemble took rows of zeros for missing ones and dropped them."""
    space = ActionSpace("p", 30.0, (Channel("p", ChannelKind.POSITION, 1, "m", (-9,), (9,)),))
    assert mean_of(space, np.array([[0.0], [1.0]]), np.ones(2)).item() == pytest.approx(0.5)


def test_rows_are_blended_with_their_own_weights() -> None:
    old, new = np.zeros((3, 14)), np.ones((3, 14))
    mixed = blend(DUAL_ARM_EE, old, new, [0.0, 0.25, 1.0])
    np.testing.assert_allclose(mixed[:, 0], [0.0, 0.25, 1.0])
    np.testing.assert_allclose(mixed[:, DUAL_ARM_EE.slice("left_gripper")].ravel(), [0, 1, 1])


TURNING = ActionSpace(
    "turning",
    30.0,
    (
        Channel("r", ChannelKind.ROTATION_VECTOR, 3, "rad", (-20.0,) * 3, (20.0,) * 3),
        Channel("j", ChannelKind.JOINT, 2, "rad", (-20.0,) * 2, (20.0,) * 2, wraps=True),
        Channel("g", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    ),
)


def smooth_rows(seed: int) -> np.ndarray:
    """Thirty rows (30, 6) that turn steadily, about one axis, through pi and on."""
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    angle = rng.uniform(-4, 4) + np.linspace(0, rng.uniform(-2, 2), 30)
    joints = rng.uniform(-3, 3, 2) + np.outer(np.linspace(0, 1, 30), rng.uniform(-4, 4, 2))
    return np.column_stack([np.outer(angle, axis / np.linalg.norm(axis)), joints, rng.integers(0, 2, 30)])


@given(seed=seeds)
def test_continuous_numbers_are_returned_bit_for_bit(seed: int) -> None:
    rows = smooth_rows(seed)
    assert continuous(TURNING, rows, rows[0] + 0.1).tobytes() == rows.tobytes()


@given(seed=seeds)
def test_rows_written_with_other_turns_continue_the_start(seed: int) -> None:
    rows, rng = smooth_rows(seed), np.random.default_rng(seed)
    angle = np.linalg.norm(rows[:, :3], axis=1, keepdims=True)
    written = rows.copy()
    away = angle[:, 0] > 0.3  # a rotation by nothing has no axis to turn about
    turns = rng.integers(-1, 2, (30, 1))
    written[away, :3] *= (1 + 2 * np.pi * turns / np.maximum(angle, 0.3))[away]
    written[:, 3:5] += 2 * np.pi * rng.integers(-2, 3, (30, 2))
    np.testing.assert_allclose(continuous(TURNING, written, rows[0]), rows, atol=1e-9)
