"""Laws of the log times of a simulated run: simulated time when a message came, whenever it is looked at."""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer

from segue_data.bags.definitions import typestore
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest, load
from segue_data.bags.reader import read, receipt_times
from segue_data.bags.repair import repair
from segue_data.recording.receipts import Onward, Receipts
from segue_data.recording.simulated_time import SimulatedTime
from segue_data.testing import TEXT_TOPICS, text_message

STEP = 1_000_000
WALL = 1_700_000_000 * 10**9

waits = st.lists(
    st.integers(1, 5 * STEP), min_size=2, max_size=60
)  # wall time between two words of the clock
moments = st.lists(st.integers(-STEP, 100 * STEP), min_size=1, max_size=60).map(sorted)


def _clock(waits: list[int]) -> tuple[SimulatedTime, list[int]]:
    """A clock that makes equal steps in uneven wall time, and when it spoke."""
    time, heard, wall = SimulatedTime(), [], WALL
    for number, wait in enumerate(waits):
        time.hear(wall, number * STEP)
        heard.append(wall)
        wall += wait
    return time, heard


@given(waits, moments)
def test_a_message_is_logged_between_the_clock_s_words_before_and_after_it(
    waits: list[int], moments: list[int]
) -> None:
    time, heard = _clock(waits)
    for moment in moments:
        word = max(0, bisect(heard, WALL + moment) - 1)
        assert word * STEP <= time.at(WALL + moment) <= (word + 1) * STEP


@given(st.integers(11, 10_000), st.integers(0, 5))
def test_a_wall_clock_that_is_set_back_puts_no_message_into_the_past(seconds: int, words: int) -> None:
    """Fault 23: what came before the clock's next word was logged at the oldest word that is kept, a minute earlier."""
    time, heard = _clock([STEP] * 50)
    wall = heard[-1] - seconds * 10**9
    assert time.at(wall) == 49 * STEP
    for number in range(words):
        time.hear(wall + number * STEP, (50 + number) * STEP)
        assert time.at(wall + number * STEP) == (50 + number) * STEP
        assert time.at(wall) == 50 * STEP


@given(waits, moments)
def test_what_came_later_is_never_logged_earlier(waits: list[int], moments: list[int]) -> None:
    """Neither among messages that are looked at together, nor when the clock spoke between two looks."""
    late, heard = _clock(waits)
    at_once = SimulatedTime()
    times, words = [], list(zip(heard, range(len(heard)), strict=True))
    for moment in moments:
        while words and words[0][0] <= WALL + moment:
            wall, number = words.pop(0)
            at_once.hear(wall, number * STEP)
        if at_once.begun:
            times.append(at_once.at(WALL + moment))
    asked = [late.at(WALL + moment) for moment in moments]
    assert all(a <= b for a, b in pairwise(asked)) and all(a <= b for a, b in pairwise(times))


@given(waits, st.lists(st.tuples(st.integers(0, 5 * STEP), st.integers(0, 3 * STEP)), max_size=60))
def test_a_message_that_was_sent_again_is_not_logged_after_what_waited_for_it(
    waits: list[int], sent: list[tuple[int, int]]
) -> None:
    """Pauses between messages, and how long each took: a good recording was flagged for stamps that go back."""
    time, _ = _clock(waits)
    receipts, now, logged = Receipts(), WALL, []
    for pause, took in sent:
        now += pause
        received = receipts.at({"received_timestamp": now + took})
        assert received >= now + took
        logged.append(time.at(received))
    assert logged == sorted(logged)


def test_a_clock_that_was_heard_with_gaps_first_logs_nothing_earlier_than_what_came_before() -> None:
    """Its steps are known when two words in a row were heard; until then they are taken for longer."""
    time, logged = SimulatedTime(), Onward()
    time.hear(WALL, 0)
    time.hear(WALL + 2 * STEP, 2 * STEP)
    first = logged.after(time.at(WALL + 5 * STEP))
    time.hear(WALL + 5 * STEP, 3 * STEP)
    assert time.at(WALL + 5 * STEP + 1) < first == logged.after(time.at(WALL + 5 * STEP + 1))
    time.hear(WALL + 6 * STEP, 0)
    assert logged.after(time.at(WALL + 6 * STEP)) == first and logged.after(-(20 * 10**9)) == -(20 * 10**9)


def test_a_wall_clock_that_is_set_back_is_followed() -> None:
    receipts = Receipts()
    told = [
        receipts.at({"received_timestamp": WALL + round(second * 10**9)}) for second in (3600, 3599.5, 1, 2)
    ]
    assert [moment - WALL for moment in told] == [3600 * 10**9, 3600 * 10**9, 10**9, 2 * 10**9]


def test_a_world_that_stands_logs_everything_at_its_time() -> None:
    time, heard = _clock([STEP, STEP, STEP])
    assert time.at(heard[-1] + 3600 * 10**9) - 2 * STEP <= STEP


def test_a_clock_that_goes_back_is_followed() -> None:
    time, heard = _clock([STEP, STEP, STEP])
    time.hear(heard[-1] + STEP, 0)
    assert time.at(heard[-1] + STEP) == 0 and time.at(heard[-1]) == 2 * STEP


def _record(folder: Path) -> EpisodeWriter:
    """More than one chunk, received in half the time that the simulated clock made."""
    writer = EpisodeWriter(folder, TEXT_TOPICS, wait=True)
    for number in range(60):
        writer.write("/text", number * STEP, text_message(number), WALL + number * STEP // 2)
    return writer


RECEIVED = [WALL + number * STEP // 2 for number in range(60)]


def test_a_bag_keeps_simulated_times_and_those_of_receipt(tmp_path: Path) -> None:
    bag = _record(tmp_path / "bag").finish(Manifest(task="none", robot="none"))
    assert [record.log_ns for record in read(bag)] == [number * STEP for number in range(60)]
    assert receipt_times(bag, "/text") == RECEIVED
    assert (load(bag).start_ns, load(bag).duration_s) == (0, 59 * STEP / 1e9)


def test_what_is_saved_of_a_damaged_bag_keeps_both_times(tmp_path: Path) -> None:
    bag = _record(tmp_path / "bag").finish(Manifest(task="none", robot="none"))
    file = bag / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-50_000])
    repair(bag)
    kept = [record.log_ns // STEP for record in read(bag)]
    assert 20 < len(kept) < 60 and kept == list(range(len(kept)))
    assert receipt_times(bag, "/text") == RECEIVED[: len(kept)]


def test_a_bag_of_before_was_received_when_it_was_logged(tmp_path: Path) -> None:
    for plugin in (StoragePlugin.MCAP, StoragePlugin.SQLITE3):
        folder = tmp_path / plugin.name
        with Writer(folder, version=9, storage_plugin=plugin) as bag:
            link = bag.add_connection("/text", TEXT_TOPICS["/text"].type_name, typestore=typestore())
            for number in range(3):
                bag.write(link, RECEIVED[number], text_message(number))
        assert receipt_times(folder, "/text") == RECEIVED[:3]
