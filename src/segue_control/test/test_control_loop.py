"""Laws of the loop watch and of command ownership."""

from collections import Counter

import pytest

from segue_control.guard.ownership import CommandOwner
from segue_control.loop import LoopWatch
from segue_core.errors import ControlError

PERIOD = 8_333_333


def test_punctual_cycles_are_never_late() -> None:
    watch = LoopWatch(PERIOD)
    assert [watch.cycle(index * PERIOD + index % 3 * 1_000_000) for index in range(50)] == [0] * 50
    assert watch.overruns == 0


@pytest.mark.parametrize("missed", [1, 6, 60])
def test_missed_cycles_are_counted_exactly(missed: int) -> None:
    watch = LoopWatch(PERIOD)
    watch.cycle(0)
    assert watch.cycle((missed + 1) * PERIOD) == missed * PERIOD
    assert watch.overruns == missed
    assert watch.cycle((missed + 2) * PERIOD) == 0


def test_a_clock_that_goes_back_is_told_and_not_counted() -> None:
    watch = LoopWatch(PERIOD)
    watch.cycle(1_000_000_000)
    assert watch.cycle(0) < 0
    assert watch.cycle(PERIOD) == 0
    assert watch.overruns == 0


def test_the_stream_belongs_to_the_first_run_until_released() -> None:
    counts: Counter[str] = Counter()
    owner = CommandOwner(counts)
    owner.check("a")
    with pytest.raises(ControlError, match="another run"):
        owner.check("b")
    owner.check("a")
    assert counts["foreign"] == 1
    owner.release()
    owner.check("b")


def test_two_publishers_with_one_run_id_are_told_apart() -> None:
    """Two schedulers of one name took the same goal, had the same run id, and both were executed."""
    counts: Counter[str] = Counter()
    owner = CommandOwner(counts)
    owner.check("run", b"first")
    with pytest.raises(ControlError, match="second publisher under the run id 'run'"):
        owner.check("run", b"second")
    owner.check("run", b"first")
    assert counts["foreign"] == 1
    owner.release()
    owner.check("run", b"second")
