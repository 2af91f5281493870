"""What a memory is told, and in which order."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.errors import ErrorCode, PolicyError
from segue_core.memory import Glimpse, MemoryFeed


def _feed(every: int = 3, begun: int = 4) -> MemoryFeed[str]:
    feed: MemoryFeed[str] = MemoryFeed(every, 1)
    feed.begin(begun)
    return feed


def _pass(feed: MemoryFeed[str], *ticks: int) -> None:
    for tick in ticks:
        feed.saw(tick, f"o{tick}")
        feed.did(tick, [tick])


def _plain(glimpses: list[Glimpse[str]]) -> list[tuple[str, list[float]]]:
    return [(glimpse.seen, glimpse.executed[:, 0].tolist()) for glimpse in glimpses]


def test_a_memory_is_told_each_observation_once_with_what_was_done_before_it() -> None:
    feed = _feed()
    _pass(feed, *range(4, 12))
    assert _plain(feed.until(8)) == [("o4", []), ("o7", [4, 5, 6])]
    assert _plain(feed.until(9)) == []
    assert _plain(feed.until(10)) == [("o10", [7, 8, 9])]


def test_a_lost_observation_leaves_its_commands_to_the_next() -> None:
    feed = _feed()
    _pass(feed, 4, 5, 6)
    feed.did(7, [7])
    _pass(feed, 8, 9, 10)
    assert _plain(feed.until(10)) == [("o4", []), ("o10", [4, 5, 6, 7, 8, 9])]


def test_a_tick_without_a_command_goes_on_with_the_last_one() -> None:
    feed = _feed()
    _pass(feed, 4, 5)
    feed.saw(7, "o7")
    assert _plain(feed.until(7)) == [("o4", []), ("o7", [4, 5, 5])]


def test_what_a_person_commanded_is_told_like_the_rest_and_said_to_be_so() -> None:
    feed = _feed()
    _pass(feed, *range(4, 8))
    for tick in (8, 9):
        feed.saw(tick, f"o{tick}")
        feed.did(tick, [-tick], foreign=True)
    _pass(feed, *range(10, 14))
    told = feed.until(13)
    assert _plain(told)[2:] == [("o10", [7, -8, -9]), ("o13", [10, 11, 12])]
    assert [glimpse.corrected for glimpse in told] == [False, False, True, False]


def test_a_memory_that_is_past_a_tick_does_not_answer_for_it() -> None:
    """Its answer would know the future, and be another one than in lockstep."""
    feed = _feed()
    _pass(feed, *range(4, 9))
    feed.until(8)
    with pytest.raises(PolicyError, match="past tick 6") as caught:
        feed.check(6)
    assert caught.value.code is ErrorCode.POLICY_OBSERVATION_MISSING


def test_a_reset_begins_anew_and_keeps_commands_that_came_before_its_request() -> None:
    feed = _feed()
    _pass(feed, *range(4, 12))
    feed.begin(11)
    feed.saw(11, "o11")
    _pass(feed, 12, 13, 14)
    assert _plain(feed.until(14)) == [("o11", []), ("o14", [11, 12, 13])]


def test_a_policy_without_memory_is_told_nothing() -> None:
    feed = _feed(every=0)
    _pass(feed, *range(4, 50))
    assert feed.until(50) == []


@given(st.integers(1, 7), st.data())
def test_equal_histories_are_told_equally_however_messages_come(every: int, data: Any) -> None:
    """Commands may come before or after the observation of their tick, and be asked for now or later."""
    steady, uneven = _feed(every, 0), _feed(every, 0)
    told: list[tuple[str, list[float]]] = []
    late: list[int] = []
    for tick in range(25):
        steady.saw(tick, f"o{tick}")
        expected = steady.until(tick)
        told += _plain(expected)
        steady.did(tick, [tick])
        late.append(tick)
        if tick == 24 or data.draw(st.booleans()):
            for at in late:
                uneven.did(at, [at])
            for at in late:
                uneven.saw(at, f"o{at}")
            late = []
    assert _plain(uneven.until(24)) == told
    assert all(np.ndim(row) == 1 for _, row in told)
