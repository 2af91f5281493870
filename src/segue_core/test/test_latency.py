import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.errors import ConfigError
from segue_core.latency import Constructed, Measured, Uniform, parse_latency


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


@given(st.floats(0, 10), st.floats(1, 100), st.integers(0, 100))
def test_a_measured_answer_is_there_in_the_tick_after_it_was_computed(
    took_s: float, rate_hz: float, planned: int
) -> None:
    ticks = parse_latency("measured", 0, rate_hz).part_ticks(3, planned, 20, 60, took_s)
    assert ticks - 1 < took_s * rate_hz <= ticks


@given(st.integers(0, 60), st.integers(0, 100), st.floats(0, 10))
def test_a_part_of_a_constructed_answer_is_there_as_its_rows_say_however_long_it_was_computed(
    rows: int, planned: int, took_s: float
) -> None:
    ticks = Constructed().part_ticks(0, planned, rows, 60, took_s)
    assert ticks == max(1, math.ceil(rows * planned / 60))


def test_what_was_measured_has_a_meaning_in_lockstep_only() -> None:
    assert parse_latency("measured", 0, 30.0) == Measured(30.0)
    with pytest.raises(ConfigError, match="planned, TICKS or LOW:HIGH"):
        parse_latency("measured", 0)


@pytest.mark.parametrize("text", ["", "fast", "5:", ":5x", "9:3", "-1"])
def test_an_unreadable_latency_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="LOW:HIGH"):
        parse_latency(text, 0)
