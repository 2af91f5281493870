import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.errors import ConfigError
from segue_core.latency import Constructed, Uniform, parse_latency


@given(st.integers(0, 1000), st.integers(0, 100))
def test_a_constructed_delay_is_the_planned_one(sequence: int, planned: int) -> None:
    assert Constructed().ticks(sequence, planned) == planned


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 2**31), st.integers(0, 1000))
def test_the_nth_answer_of_a_seed_always_takes_the_same_time_within_bounds(
    low: int, spread: int, seed: int, sequence: int
) -> None:
    latency = Uniform(low, low + spread, seed)
    assert latency.ticks(sequence, 8) == latency.ticks(sequence, 3)
    assert low <= latency.ticks(sequence, 8) <= low + spread


@pytest.mark.parametrize("text", ["", "fast", "5:", ":5x", "9:3", "-1"])
def test_an_unreadable_latency_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="LOW:HIGH"):
        parse_latency(text, 0)
