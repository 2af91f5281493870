"""Laws of figures in sentences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.figures import beyond, size, told_apart
from segue_core.joint_state_merge import JointMerge


def test_a_slow_joint_that_is_a_little_too_old_is_not_said_to_be_as_old_as_allowed() -> None:
    """It read "last told 37 ms before the others, allowed: 37 ms"."""
    merge = JointMerge(["arm", "gripper"], max_age_ns=37_333_333)
    one = np.zeros(1)
    merge.add(["gripper"], one, 0)
    merge.add(["arm"], one, 37_341_000)
    assert merge.why_none().startswith("gripper last told 37.34 ms before the others, allowed: 37.33 ms")


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.integers(0, 4))
def test_figures_that_differ_read_differently_and_in_their_order(
    got: float, bound: float, decimals: int
) -> None:
    told, most = told_apart(got, bound, decimals)
    if abs(got - bound) > 1e-9:
        assert (float(told) > float(most)) == (got > bound) and told != most


def test_equal_figures_are_told_as_they_are_asked_for() -> None:
    assert told_apart(1.0, 1.0, 2) == ("1.00", "1.00")


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (161, "161 B"),
        (1499, "1.5 kB"),
        (37_400, "37 kB"),
        (999_700, "1.0 MB"),
        (4.2e6, "4.2 MB"),
        (5e11, "500.0 GB"),
    ],
)
def test_a_size_is_never_told_as_nothing(count: float, told: str) -> None:
    assert size(count) == told


@pytest.mark.parametrize(
    ("got", "told"), [(2.9004, ("2.9004", "-1.0000 to 2.9000")), (-1.2, ("-1.200", "-1.000 to 2.900"))]
)
def test_what_is_outside_of_a_range_reads_so(got: float, told: tuple[str, str]) -> None:
    assert beyond(got, -1.0, 2.9, 3) == told
