"""Rotations: maps are inverse to each other, and nothing depends on the representative."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segue_core import rotation_xyzw

vectors = arrays(np.float64, (3,), elements=st.floats(-10, 10))
short_vectors = arrays(np.float64, (3,), elements=st.floats(-1.8, 1.8))
weights = st.floats(0, 1)


def same_rotation(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(abs(abs(np.dot(a, b)) - 1) < 1e-9)


@given(short_vectors)
def test_log_inverts_exp_below_pi(vector: np.ndarray) -> None:
    if np.linalg.norm(vector) < np.pi - 1e-3:
        back = rotation_xyzw.rotvec_from_xyzw(rotation_xyzw.xyzw_from_rotvec(vector))
        np.testing.assert_allclose(back, vector, atol=1e-9)


@given(vectors)
def test_exp_is_unit_and_log_keeps_the_rotation(vector: np.ndarray) -> None:
    q = rotation_xyzw.xyzw_from_rotvec(vector)
    short = rotation_xyzw.rotvec_from_xyzw(q)
    assert abs(np.linalg.norm(q) - 1) < 1e-12
    assert np.linalg.norm(short) <= np.pi + 1e-9
    assert same_rotation(rotation_xyzw.xyzw_from_rotvec(short), q)


@given(vectors, vectors)
def test_the_relative_rotation_takes_one_to_the_other(a: np.ndarray, b: np.ndarray) -> None:
    qa, qb = rotation_xyzw.xyzw_from_rotvec(a), rotation_xyzw.xyzw_from_rotvec(b)
    step = rotation_xyzw.xyzw_from_rotvec(rotation_xyzw.relative_rotvec(qa, qb))
    assert same_rotation(rotation_xyzw.multiply(step, qa), qb)


@given(vectors, vectors, weights)
def test_slerp_is_unit_and_moves_at_a_constant_rate(a: np.ndarray, b: np.ndarray, weight: float) -> None:
    qa, qb = rotation_xyzw.xyzw_from_rotvec(a), rotation_xyzw.xyzw_from_rotvec(b)
    middle = rotation_xyzw.slerp(qa, qb, weight)
    whole = np.linalg.norm(rotation_xyzw.relative_rotvec(qa, qb))
    part = np.linalg.norm(rotation_xyzw.relative_rotvec(qa, middle))
    assert abs(np.linalg.norm(middle) - 1) < 1e-9
    assert abs(part - weight * whole) < 1e-6


@given(vectors, vectors)
def test_the_nearest_representative_is_the_same_rotation_and_not_further(
    v: np.ndarray, to: np.ndarray
) -> None:
    near = rotation_xyzw.nearest_rotvec(v, to)
    assert same_rotation(rotation_xyzw.xyzw_from_rotvec(near), rotation_xyzw.xyzw_from_rotvec(v))
    assert np.linalg.norm(near - to) <= np.linalg.norm(v - to) + 1e-9


def test_the_nearest_representative_of_no_rotation_is_a_whole_turn_beside_a_whole_turn() -> None:
    np.testing.assert_allclose(rotation_xyzw.nearest_rotvec(np.zeros(3), [0, 0, 6.2]), [0, 0, 2 * np.pi])


def test_a_relative_rotation_does_not_see_the_wrap_at_pi() -> None:
    angle = np.linspace(2.5, 4.5, 41)
    wrapped = np.mod(angle + np.pi, 2 * np.pi) - np.pi
    turned = rotation_xyzw.xyzw_from_rotvec(np.outer(wrapped, [0, 0, 1.0]))
    steps = rotation_xyzw.relative_rotvec(turned[:-1], turned[1:])
    np.testing.assert_allclose(steps, np.tile([0, 0, 0.05], (40, 1)), atol=1e-9)


def test_a_zero_quaternion_normalises_to_the_identity() -> None:
    assert rotation_xyzw.normalized(np.zeros(4)).tolist() == [0, 0, 0, 1]
