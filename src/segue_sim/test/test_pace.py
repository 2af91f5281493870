"""Laws of the simulated clock: it never runs ahead of the controller, and never waits for it without end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_sim.pace import Pace

STEP_S = 1 / 120


def _pace(**changes: float) -> Pace:
    return Pace(**{"step_s": STEP_S, "factor": 1.0, "patience_s": 1.5, "debt_s": 0.1} | changes)


@given(st.lists(st.floats(0.0, 0.03), min_size=1, max_size=60))
def test_no_step_is_taken_before_the_answer_to_the_one_before(delays: list[float]) -> None:
    pace, now_s = _pace(), 0.0
    pace.answer(0)
    for step, delay in enumerate(delays):
        now_s += STEP_S
        assert pace.may_step(step, now_s)
        pace.stepped(now_s)
        assert not pace.may_step(step + 1, now_s + 1.0)
        now_s += delay
        pace.answer(step + 1)


def test_a_world_that_waits_keeps_up_with_the_wall_clock_when_answers_are_only_now_and_then_late() -> None:
    pace, now_s, steps = _pace(), 0.0, 0
    pace.answer(0)
    while now_s < 10.0:
        late = 0.05 if steps % 100 == 50 else 0.0005
        if pace.may_step(steps, now_s):
            pace.stepped(now_s)
            steps += 1
            now_s += late
            pace.answer(steps)
        else:
            now_s += 0.0005
    assert steps == pytest.approx(1200, rel=0.02)


def test_time_that_was_lost_for_longer_than_the_debt_is_not_made_up_for() -> None:
    pace = _pace()
    pace.answer(10**12)
    assert pace.may_step(0, 0.0)
    pace.stepped(0.0)
    assert pace.may_step(1, 60.0)
    burst = 0
    while pace.may_step(1, 60.0):
        pace.stepped(60.0)
        burst += 1
    assert burst <= 0.1 / STEP_S + 2


def test_a_clock_that_waits_for_nobody_makes_up_for_nothing() -> None:
    pace = _pace(debt_s=0.5 * STEP_S)
    assert pace.may_step(0, 0.0)
    pace.stepped(0.0)
    assert pace.may_step(1, 5.0)
    pace.stepped(5.0)
    assert not pace.may_step(2, 5.0 + 0.3 * STEP_S)


def test_a_dead_controller_is_waited_for_once_and_then_time_goes_on_until_one_answers_again() -> None:
    pace = _pace()
    pace.answer(0)
    assert pace.may_step(0, 0.0)
    pace.stepped(0.0)
    assert not pace.may_step(1, 1.0)
    assert pace.may_step(1, STEP_S + 1.5)
    pace.stepped(STEP_S + 1.5)
    assert pace.gave_up == 1
    assert pace.may_step(2, 2 * STEP_S + 1.6)
    pace.answer(2)
    pace.stepped(2 * STEP_S + 1.6)
    assert not pace.may_step(3, 1.7 + 3 * STEP_S)


def test_a_paused_world_stands_and_goes_on_without_a_burst() -> None:
    pace = _pace()
    pace.answer(10**12)
    pace.stand(True, 0.0)
    assert not any(pace.may_step(0, float(now_s)) for now_s in range(100))
    pace.stand(False, 100.0)
    assert pace.may_step(0, 100.0)
    pace.stepped(100.0)
    assert not pace.may_step(1, 100.0 + 0.5 * STEP_S)


def test_a_pause_is_no_slowness() -> None:
    """Also one in which the speed is asked for, and one that is told twice."""
    pace = _pace()
    pace.speed(0.0)
    for step in range(120):
        pace.stepped(step / 120)
    pace.stand(True, 1.0)
    pace.stand(True, 4.0)
    assert pace.speed(5.0) == pytest.approx(1.0)
    assert pace.speed(10.0) == 1.0
    pace.stand(False, 60.0)
    for step in range(60):
        pace.stepped(60.0 + step / 60)
    assert pace.speed(61.0) == pytest.approx(0.5)


def test_the_speed_is_simulated_time_per_second() -> None:
    pace = _pace(factor=0.5)
    assert pace.speed(0.0) == 0.5
    for step in range(120):
        pace.stepped(step / 60)
    assert pace.speed(4.0) == pytest.approx(0.25)
