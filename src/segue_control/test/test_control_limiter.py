"""Laws of the joint limiter: whatever is asked for, what leaves it is inside all limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.guard.joint_limiter import JointLimiter
from segue_control.robot.limits import JointLimits
from segue_core.errors import ControlError

PERIOD_S = 1 / 120
JERKS = (80.0, 500.0, 5000.0)  # slower, about equal and faster than one step for the whole acceleration


def _limits(jerk: float) -> JointLimits:
    full = np.full
    return JointLimits(full(3, -1.0), full(3, 1.5), full(3, 2.0), full(3, 10.0), full(3, jerk))


def _assert_inside(path: np.ndarray, limits: JointLimits) -> None:
    assert path.min(axis=0) == pytest.approx(path.min(axis=0).clip(limits.low, limits.high))
    assert path.max(axis=0) == pytest.approx(path.max(axis=0).clip(limits.low, limits.high))
    for order, bound in enumerate((limits.velocity, limits.acceleration, limits.jerk), start=1):
        rates = np.abs(np.diff(path, n=order, axis=0)).max(axis=0) / PERIOD_S**order
        assert (rates <= bound * (1 + 1e-6)).all(), f"order {order}: {rates} over {bound}"


wild = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([1e6, -1e6, 1.5, -1.0, 0.0]))
plans = st.lists(
    st.tuples(st.lists(wild, min_size=3, max_size=3), st.integers(1, 60), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(plans, st.sampled_from(JERKS))
def test_nothing_outside_the_limits_ever_leaves(plan: list, jerk: float) -> None:
    limits = _limits(jerk)
    limiter = JointLimiter(limits, PERIOD_S, np.zeros(3))
    path = [limiter.position] * 3
    for desired, steps, stop in plan:
        path += [limiter.stop() if stop else limiter.follow(np.array(desired)) for _ in range(steps)]
    _assert_inside(np.array(path), limits)


@given(st.integers(0, 2**32 - 1), st.sampled_from(JERKS))
def test_noise_never_breaks_the_limits(seed: int, jerk: float) -> None:
    limits, rng = _limits(jerk), np.random.default_rng(seed)
    limiter = JointLimiter(limits, PERIOD_S, rng.uniform(-1, 1.5, 3))
    path = [limiter.position] * 3 + [limiter.follow(desired) for desired in rng.uniform(-2, 2, (200, 3))]
    _assert_inside(np.array(path), limits)


@given(plans, st.sampled_from((500.0, 5000.0)))
def test_a_stop_rests_within_half_a_second_and_stays(plan: list, jerk: float) -> None:
    limiter = JointLimiter(_limits(jerk), PERIOD_S, np.zeros(3))
    for desired, steps, _ in plan:
        for _ in range(steps):
            limiter.follow(np.array(desired))
    stopped = [limiter.stop() for _ in range(60)]
    assert limiter.at_rest
    np.testing.assert_array_equal(limiter.stop(), stopped[-1])


def test_a_motion_inside_the_limits_passes_unchanged() -> None:
    limiter = JointLimiter(_limits(5000.0), PERIOD_S, np.zeros(3))
    path = 0.3 * np.sin(np.linspace(0, 6, 720))[:, None] ** 3 * np.ones(3)
    for desired in path:
        np.testing.assert_array_equal(limiter.follow(desired), desired)
        assert limiter.reasons(("a", "b", "c")) == ()


@pytest.mark.parametrize("jerk", JERKS)
def test_a_far_target_is_reached_and_kept(jerk: float) -> None:
    limiter = JointLimiter(_limits(jerk), PERIOD_S, np.zeros(3))
    desired = np.array([1.2, -0.8, 0.4])
    path = np.array([limiter.follow(desired) for _ in range(300)])
    np.testing.assert_allclose(path[-60:], np.tile(desired, (60, 1)), atol=1e-3)


def test_what_was_changed_is_named() -> None:
    limiter = JointLimiter(_limits(5000.0), PERIOD_S, np.zeros(3))
    limiter.follow(np.array([9.0, 0.5, 0.0]))
    assert limiter.reasons(("a", "b", "c")) == ("position:a", "velocity:b")


def test_limits_that_are_no_limits_are_refused() -> None:
    with pytest.raises(ControlError, match="finite, positive and ordered"):
        JointLimits(*(np.array([value]) for value in (0.0, 1.0, np.inf, 1.0, 1.0)))
