"""What a policy is shown of the past."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError, PolicyError
from segue_core.history import FIRST, History
from segue_core.policy import PolicyInfo


def _seen(history: History[str], *ticks: int) -> History[str]:
    for tick in ticks:
        history.add(tick, f"o{tick}")
    return history


def test_the_newest_observation_comes_last() -> None:
    history = _seen(History((-2, -1, 0)), 0)
    history.shown(0)
    assert _seen(history, 1, 2, 3).shown(3) == ["o1", "o2", "o3"]


def test_before_the_first_observation_of_a_task_there_is_only_the_first() -> None:
    """Not the last one of the task before, although it is still there."""
    history = _seen(History((-2, -1, 0), spare=9), 3, 4, 5, 6)
    assert history.shown(5) == ["o5", "o5", "o5"]
    assert history.shown(6) == ["o5", "o5", "o6"]


def test_the_first_observation_of_a_task_is_kept_until_the_next_begins() -> None:
    history = _seen(History((FIRST, 0)), 0)
    assert history.shown(0) == ["o0", "o0"]
    _seen(history, *range(1, 500))
    assert history.shown(499) == ["o0", "o499"]
    history.begin()
    assert history.shown(499) == ["o499", "o499"]


def test_an_observation_that_was_never_seen_is_not_replaced_by_another() -> None:
    history = _seen(History((-1, 0)), 0)
    history.shown(0)
    _seen(history, 2)
    with pytest.raises(PolicyError, match="no observation for tick 1; got ticks 0 to 2"):
        history.shown(2)
    assert history.passed(1) and not history.passed(3)


def test_a_time_that_is_set_back_forgets_what_was_kept() -> None:
    history = _seen(History((-1, 0), spare=4), 1000, 1001)
    history.shown(1000)
    assert _seen(history, 3).shown(3) == ["o3", "o3"]


@given(st.integers(1, 50), st.integers(0, 40), st.integers(1, 8))
def test_as_much_is_kept_as_can_be_asked_for(newest: int, back: int, spare: int) -> None:
    history: History[str] = History((-back, 0) if back else (0,), spare)
    _seen(history, 0)
    history.shown(0)
    _seen(history, *range(1, newest + 1))
    asked = max(0, newest - spare + 1)
    assert history.shown(asked)[-1] == f"o{asked}"


@pytest.mark.parametrize(
    "offsets", [(), (0, -1), (-1,), (-1, -1, 0), (-301, 0), (0, 1), tuple(range(-16, 1))]
)
def test_a_policy_cannot_declare_a_history_that_no_node_could_show(offsets: tuple[int, ...]) -> None:
    values: dict[str, Any] = {
        "name": "p", "action_space": DUAL_ARM_EE, "horizon": 60, "num_steps": 5, "rate_hz": 30.0, "cameras": (),
        "image_size": (96, 72), "capabilities": frozenset(), "max_delay": 10, "max_ramp": 50,
    }  # fmt: skip
    PolicyInfo(**values, history=(FIRST, -300, -1, 0))
    with pytest.raises(ConfigError, match="history"):
        PolicyInfo(**values, history=offsets)
