"""Timeline laws: rows are executed at their own ticks, or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, SchedulerError
from segue_scheduler.splice import Timeline

starts = st.integers(-20, 20)
horizons = st.integers(1, 15)


def dated(start: int, rows: int, sequence: int = 0) -> ActionChunk:
    """Every row holds its own tick."""
    return ActionChunk(np.arange(start, start + rows, dtype=np.float32)[:, None], start, "test", sequence)


@given(starts, horizons, st.integers(0, 40))
def test_every_row_left_is_executed_at_its_own_tick(start: int, rows: int, age: int) -> None:
    timeline, now = Timeline(1), start + age
    dropped = timeline.splice(dated(start, rows), now)
    assert dropped == min(age, rows)
    for tick in range(start - 3, start + rows + 3):
        action = timeline.action_at(tick)
        assert (action is not None) == (now <= tick < start + rows)
        assert action is None or action.item() == tick


@given(starts, horizons, horizons, st.integers(0, 30))
def test_a_chunk_wholly_in_the_past_changes_nothing(start: int, rows: int, late_rows: int, age: int) -> None:
    timeline = Timeline(1)
    timeline.splice(dated(start, rows), start)
    before = timeline.rows_from(start)
    late = dated(start - late_rows - age, late_rows)
    assert timeline.splice(late, start) == late_rows
    np.testing.assert_array_equal(timeline.rows_from(start), before)


@given(starts, horizons)
def test_splicing_the_same_chunk_twice_is_splicing_it_once(start: int, rows: int) -> None:
    timeline = Timeline(1)
    timeline.splice(dated(start, rows), start)
    once = timeline.rows_from(start)
    timeline.splice(dated(start, rows), start)
    np.testing.assert_array_equal(timeline.rows_from(start), once)


@given(starts, horizons, st.integers(-5, 40))
def test_remaining_counts_exactly_the_ticks_with_an_action(start: int, rows: int, offset: int) -> None:
    timeline, tick = Timeline(1), start + offset
    timeline.splice(dated(start, rows), start)
    executable = [t for t in range(tick, tick + 100) if timeline.action_at(t) is not None]
    assert timeline.remaining(tick) == len(executable) == len(timeline.rows_from(tick))


def test_the_newest_chunk_replaces_all_that_was_left_even_when_it_is_shorter() -> None:
    timeline = Timeline(1)
    timeline.splice(dated(0, 10), 0)
    timeline.splice(dated(2, 3), 4)
    assert timeline.rows_from(4).ravel().tolist() == [4]
    assert timeline.end_tick == 5


def test_a_cleared_timeline_has_no_action() -> None:
    timeline = Timeline(1)
    timeline.splice(dated(0, 10), 0)
    timeline.clear()
    assert timeline.action_at(1) is None
    assert timeline.remaining(0) == 0


def test_what_a_caller_does_to_an_action_stays_with_the_caller() -> None:
    timeline = Timeline(1)
    timeline.splice(dated(0, 3), 0)
    for rows in (timeline.action_at(1), timeline.rows_from(0)):
        assert rows is not None
        rows[:] = 99
    assert timeline.rows_from(0).ravel().tolist() == [0, 1, 2]


def test_a_chunk_of_the_future_is_refused() -> None:
    with pytest.raises(SchedulerError, match="got start tick 5; expected at most 4") as caught:
        Timeline(1).splice(dated(5, 3), 4)
    assert caught.value.code is ErrorCode.CHUNK_WRONG_START


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(SchedulerError) as caught:
        Timeline(2).replace(np.zeros((3, 1)), 0)
    assert caught.value.code is ErrorCode.CHUNK_WRONG_SHAPE
