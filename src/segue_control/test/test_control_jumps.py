"""Laws of the watch for joints that jump."""

import numpy as np
import pytest

from segue_control.guard.jump_watch import JumpWatch
from segue_core.errors import ErrorCode, PerceptionError

VELOCITY = np.array([2.0, 1.0])
MS = 1_000_000


def _watch() -> JumpWatch:
    return JumpWatch(("shoulder", "elbow"), VELOCITY)


@pytest.mark.parametrize("period_ms", [1, 8, 33, 100])
def test_a_joint_at_its_limit_does_not_jump_even_beside_a_gripper_that_tells_more_often(
    period_ms: int,
) -> None:
    watch = _watch()
    for sample in range(100):
        q = VELOCITY * sample * period_ms * 1e-3
        watch.refuse(q, (1000 + sample * period_ms) * MS)
        watch.refuse(q, (1001 + sample * period_ms) * MS - 1)
    assert watch.jumped_ns is None


def test_of_two_publishers_the_one_that_was_heard_first_is_taken_and_the_joint_is_named() -> None:
    watch = _watch()
    watch.refuse(np.zeros(2), 8 * MS)
    for cycle in range(2, 6):
        with pytest.raises(
            PerceptionError, match=r"elbow jumped.*got 0.30 rad in 4 ms; expected at most 0.06"
        ) as jump:
            watch.refuse(np.array([0.0, 0.3]), (8 * cycle - 4) * MS)
        watch.refuse(np.array([0.0, 0.001 * cycle]), 8 * cycle * MS)
        assert jump.value.code is ErrorCode.STATE_CORRUPT and watch.jumped_ns == (8 * cycle - 4) * MS


def test_a_long_silence_a_clock_that_goes_back_and_a_world_that_was_put_back_are_no_jumps() -> None:
    watch = _watch()
    watch.refuse(np.zeros(2), 1000 * MS)
    watch.refuse(np.array([0.8, 0.4]), 1200 * MS)
    watch.refuse(np.array([0.7, 0.35]), 3 * MS)
    watch.clear()
    watch.refuse(np.ones(2), 11 * MS)
    assert watch.jumped_ns is None


@pytest.mark.parametrize("stamp_ms", [0, 1000])
def test_a_stamp_that_is_not_newer_excuses_no_jump(stamp_ms: int) -> None:
    """Zeros with the stamp 0 were once taken for where the arm is."""
    watch = _watch()
    watch.refuse(np.ones(2), 1000 * MS)
    with pytest.raises(PerceptionError, match="elbow jumped"):
        watch.refuse(np.zeros(2), stamp_ms * MS)
    watch.refuse(np.ones(2), 1001 * MS)
