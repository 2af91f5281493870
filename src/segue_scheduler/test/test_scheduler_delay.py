"""The delay estimate looks at the last few measurements and at nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from segue_scheduler.delay import DelayEstimator

delays = st.lists(st.integers(0, 100), max_size=40)


@given(delays, st.integers(1, 10), st.integers(0, 5), st.integers(0, 20))
def test_the_estimate_is_the_largest_of_the_window(
    seen: list[int], window: int, warmup: int, first: int
) -> None:
    estimator = DelayEstimator(first, window, warmup)
    for delay in seen:
        estimator.add(delay)
    assert estimator.value == max(seen[warmup:][-window:], default=first)


def test_a_spike_leaves_the_window() -> None:
    """LeRobot's tracker kept a running maximum: one spike was reported for ever."""
    estimator = DelayEstimator(initial=8, window=3, warmup=0)
    estimator.add(70)
    for _ in range(3):
        assert estimator.value == 70
        estimator.add(4)
    assert estimator.value == 4
