"""Laws of joint states from several publishers: the state is that of one publisher, or there is none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue_core.joint_state_merge import JointMerge, max_age_ns

NAMES = ("a1", "a2", "a3", "gripper")
AGE = max_age_ns(30.0)

owners = st.lists(st.integers(0, 2), min_size=len(NAMES), max_size=len(NAMES))  # who publishes each joint
messages = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60_000_000)), max_size=40
)  # who, and how much later


@given(owners, messages)
def test_a_state_has_the_newest_value_of_each_joint_and_none_that_is_older_than_allowed(
    owners: list[int], messages: list[tuple[int, int]]
) -> None:
    merge, newest, stamp = JointMerge(NAMES, AGE), dict.fromkeys(NAMES, -1), 0
    for number, (who, later) in enumerate(messages):
        stamp += later
        told = [name for name, owner in zip(NAMES, owners, strict=True) if owner == who]
        newest |= dict.fromkeys(told, stamp)
        values = np.array([stamp + 0.1 * NAMES.index(name) for name in told] + [float(number)])
        state = merge.add([*told, "another"], values, stamp, -values)
        whole = bool(told) and min(newest.values()) >= max(stamp - AGE, 0)
        assert (state is not None) == whole
        if told:
            assert bool(merge.why_none()) != whole
        if state is not None:
            expected = [at + 0.1 * place for place, at in enumerate(newest.values())]
            np.testing.assert_array_equal(state.positions, expected)
            np.testing.assert_array_equal(state.speeds, -state.positions)
            assert state.stamp_ns == stamp


@given(st.permutations(NAMES), owners)
def test_parts_of_one_time_in_any_order_are_the_whole(order: list[str], owners: list[int]) -> None:
    whole, parts = JointMerge(NAMES, AGE), JointMerge(NAMES, AGE)
    value = {name: float(place) for place, name in enumerate(NAMES)}
    expected = whole.add(order, np.array([value[name] for name in order]), 7)
    got = None
    for who in set(owners):
        told = [name for name in order if owners[NAMES.index(name)] == who]
        got = parts.add(told, np.array([value[name] for name in told]), 7)
    assert expected is not None and got is not None
    np.testing.assert_array_equal(got.positions, expected.positions)
    assert np.isnan(got.speeds).all() and got.stamp_ns == expected.stamp_ns == 7


def test_who_is_missing_and_who_is_late_is_named() -> None:
    merge = JointMerge(NAMES, AGE)
    merge.add(NAMES[:3], np.zeros(3), 0)
    assert merge.why_none() == "no message has gripper (1 messages have other joints)"
    merge.layout(["left/gripper", NAMES[0], "wheel", "lid", "lift", "belt"])
    assert merge.why_none().endswith("(1 messages have other joints: left/gripper, wheel, lid, lift)")
    merge.add(["gripper"], np.zeros(1), 0)
    merge.add(NAMES[:3], np.zeros(3), 200_000_000)
    assert merge.why_none().startswith("gripper last told 200 ms before the others, allowed: 37 ms")
