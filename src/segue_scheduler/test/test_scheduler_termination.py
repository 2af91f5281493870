"""Rules end the task when they should, and not before."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.errors import ConfigError
from segue_core.scheduler_config import SchedulerConfig
from segue_core.task_state import TaskState
from segue_scheduler import termination
from segue_scheduler.termination.base import Evidence
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy
from segue_scheduler.tick import Estimate, Outcome

DONE = TaskState(True, 10.0, 2, 2, "all objects are in the box")
OPEN = TaskState(False, 5.0, 1, 2, "one object is missing")


def seen(elapsed: int, **evidence: Any) -> Evidence:
    nothing: dict[str, Any] = {
        "waiting": False,
        "measured": np.array([float(elapsed)]),
        "task": None,
        "progress": None,
        "policy_stop": False,
        "stop_requested": False,
    }
    return Evidence(elapsed=elapsed, **nothing | evidence)


def fired(
    rule: str, evidence: Callable[[int], dict[str, Any]], ticks: int = 400, **config: Any
) -> tuple[int, Outcome] | None:
    """Tick and outcome of the first time that `rule` alone fires."""
    rules = termination.create(SchedulerConfig(termination=(rule,), **config), SPACE)
    outcomes = ((tick, rules.check(seen(tick, **evidence(tick)))) for tick in range(ticks))
    return next(((tick, outcome) for tick, outcome in outcomes if outcome), None)


def test_the_time_limit_fires_at_its_tick() -> None:
    result = fired("time_limit", lambda tick: {}, time_limit_s=2.0)
    assert result == (60, Outcome(False, "time_limit", "no success within 2 s"))


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 8))
def test_the_detector_must_hold_for_the_configured_ticks(success: list[bool], hold: int) -> None:
    result = fired(
        "task_detector", lambda t: {"task": DONE if success[t] else OPEN}, len(success), task_hold_ticks=hold
    )
    runs = [t for t in range(hold - 1, len(success)) if all(success[t - hold + 1 : t + 1])]
    assert (result[0] if result else None) == (runs[0] if runs else None)


def test_a_detector_outcome_names_the_rule_and_what_was_seen() -> None:
    result = fired("task_detector", lambda tick: {"task": DONE})
    assert result is not None
    assert result[1] == Outcome(True, "task_detector", "all objects are in the box")


def test_silence_of_the_detector_is_not_success() -> None:
    assert (
        fired("task_detector", lambda tick: {"task": DONE if tick == 0 else None}, task_hold_ticks=2) is None
    )


def test_an_operator_is_obeyed_even_when_not_configured() -> None:
    result = fired("time_limit", lambda tick: {"stop_requested": tick == 7})
    assert result == (7, Outcome(False, "operator", "stop requested by the operator"))


def test_an_operator_comes_before_every_other_rule() -> None:
    rules = termination.create(SchedulerConfig(termination=("task_detector",), task_hold_ticks=1), SPACE)
    outcome = rules.check(seen(0, task=DONE, stop_requested=True))
    assert outcome is not None
    assert outcome.rule == "operator"


def test_a_policy_that_says_stop_is_obeyed_but_not_believed_against_the_detector() -> None:
    alone = fired("policy_stop", lambda tick: {"policy_stop": tick == 3})
    contradicted = fired("policy_stop", lambda tick: {"policy_stop": tick == 3, "task": OPEN})
    assert alone is not None
    assert alone[0] == 3
    assert alone[1].success
    assert contradicted is not None
    assert not contradicted[1].success


def progress(values: dict[int, float], **options: float) -> tuple[int, Outcome] | None:
    chosen = {"progress_threshold": {"ema": 1.0, "hold_s": 1.0, "updates": 2} | options}
    return fired("progress_threshold", lambda t: {"progress": values.get(t)}, rule_options=chosen)


def test_progress_engages_settles_and_then_fires() -> None:
    result = progress({0: 0.5, 30: 0.95, 60: 0.96})
    assert result is not None
    assert result[0] == 60
    assert result[1].success


def test_one_lucky_prediction_does_not_stop_the_task() -> None:
    assert progress({0: 0.5, 30: 0.99, 60: 0.4, 90: 0.5}) is None
    assert progress({0: 0.5, 30: 0.99}) is None


def test_progress_below_the_settling_band_disengages() -> None:
    result = progress({0: 0.95, 20: 0.5, 100: 0.95, 140: 0.95})
    assert result is not None
    assert result[0] == 140


def test_progress_is_smoothed() -> None:
    assert progress({0: 0.0, 30: 1.0, 60: 1.0, 90: 1.0}, ema=0.5) is None
    assert progress({0: 0.0, **dict.fromkeys(range(30, 300, 30), 1.0)}, ema=0.5) is not None


@pytest.mark.parametrize("value", [2.0, 1.01, 0.0])
def test_a_threshold_that_could_never_or_always_fire_is_refused(value: float) -> None:
    """innate-os shipped a threshold of 2.0 on a signal in [0, 1]: the stop never fired."""
    with pytest.raises(ConfigError, match="rule_options of progress_threshold: value"):
        progress({}, value=value)


def test_standing_still_is_a_stall_but_waiting_is_not() -> None:
    still = {"measured": np.array([1.0])}
    result = fired("stall", lambda tick: still | {"waiting": tick < 50})
    assert result is not None
    assert result[0] == 49 + 150
    assert result[1].rule == "stall"


@given(st.floats(0.011, 1), st.integers(1, 149))
def test_moving_now_and_then_is_no_stall(step: float, every: int) -> None:
    assert fired("stall", lambda tick: {"measured": np.array([step * (tick // every)])}, 500) is None


def test_creeping_is_a_stall() -> None:
    result = fired("stall", lambda tick: {"measured": np.array([tick * 1e-6])})
    assert result is not None
    assert result[0] == 150


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"termination": ("time_limt",)}, "did you mean 'time_limit'"),
        ({"rule_options": {"stal": {}}}, "did you mean 'stall'"),
        (
            {"rule_options": {"stall": {"window": 3}}},
            "rule_options of stall: window.*did you mean 'window_s'",
        ),
        ({"rule_options": {"operator": {"x": 3}}}, "rule_options of operator"),
        ({"rule_options": {"time_limit": {"x": 3}}}, "rule_options of time_limit"),
        ({"rule_options": {"task_detector": {"x": 3}}}, "rule_options of task_detector"),
        ({"rule_options": {"policy_stop": {"x": 3}}}, "rule_options of policy_stop"),
    ],
)
def test_an_unknown_rule_or_option_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        scheduler(**config)


def test_options_alone_do_not_activate_a_rule() -> None:
    still = {"measured": np.array([1.0])}
    assert fired("time_limit", lambda tick: still, rule_options={"stall": {"window_s": 1.0}}) is None


def test_a_run_ends_with_the_detector_and_holds_from_then_on() -> None:
    machine = scheduler(task_hold_ticks=10)
    outputs, _ = drive(
        machine, ScriptedPolicy(SPACE), SPACE, 100, task=lambda tick: DONE if tick >= 50 else OPEN
    )
    first = next(output for output in outputs if output.outcome)
    assert first.tick == 59
    assert first.outcome is not None
    assert first.outcome.success
    assert {output.action.item() for output in outputs[59:]} == {first.action.item()}


def test_rules_start_anew_with_every_run() -> None:
    machine = scheduler(task_hold_ticks=10, termination=("task_detector", "progress_threshold", "stall"))
    for _ in range(2):
        outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 9, task=lambda tick: DONE)
        assert outputs[-1].outcome is None


def test_a_keyframe_is_reached_only_after_the_hold() -> None:
    def approach(tick: int) -> dict[str, Any]:
        return {"goal": np.array([1.0]), "measured": np.array([min(1.0, tick / 64)])}

    result = fired("keyframe_reached", approach, rule_options={"keyframe_reached": {"position_m": 0.125}})
    assert result is not None
    assert result[0] == 56 + 15  # within 1/8 m from tick 56 on, held for 0.5 s at 30 Hz
    assert result[1].rule == "keyframe_reached"


def test_passing_through_the_keyframe_is_not_reaching_it() -> None:
    assert (
        fired("keyframe_reached", lambda t: {"goal": np.array([1.0]), "measured": np.array([t / 100])})
        is None
    )


def test_without_a_chunk_there_is_no_keyframe() -> None:
    assert fired("keyframe_reached", lambda t: {"measured": np.zeros(1)}) is None


def test_a_keyframe_is_not_reached_in_position_alone() -> None:
    space = ActionSpace(
        "pose",
        30.0,
        (
            Channel("p", ChannelKind.POSITION, 3, "m", (-9.0,) * 3, (9.0,) * 3),
            Channel("r", ChannelKind.ROTATION_VECTOR, 3, "rad", (-4.0,) * 3, (4.0,) * 3),
            Channel("g", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
        ),
    )
    rules = termination.create(SchedulerConfig(termination=("keyframe_reached",)), space)
    goal = np.array([0.1, 0.2, 0.3, 0.0, 0.0, np.pi - 0.01, 1.0])

    def outcome(measured: np.ndarray) -> Outcome | None:
        rules.reset()
        return [rules.check(seen(t, goal=goal, measured=measured)) for t in range(40)][-1]

    turned, wrapped, closed = goal.copy(), goal.copy(), goal.copy()
    turned[4], wrapped[5], closed[6] = 0.5, -np.pi + 0.01, 0.0
    assert outcome(turned) is None
    assert outcome(wrapped) is not None  # the same orientation, the other way round
    assert outcome(closed) is not None  # what the gripper holds is not the keyframe's business


def test_the_scheduler_shows_the_rule_where_the_executing_chunk_ends() -> None:
    options = {"keyframe_reached": {"position_m": 0.04, "hold_s": 0.0}}
    machine = scheduler(termination=("keyframe_reached",), rule_options=options)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 60)
    ended = next(output for output in outputs if output.outcome)
    assert ended.outcome is not None
    assert ended.outcome.rule == "keyframe_reached"
    rows_left = 59 - (ended.tick - 1 - 8)  # the first chunk starts at tick 8, the robot is one row behind
    assert rows_left == int(0.04 / ScriptedPolicy.slope)


@pytest.mark.parametrize("rule", ["progress_threshold", "policy_stop"])
def test_a_task_that_only_a_learned_word_would_end_still_has_its_time_limit(rule: str) -> None:
    result = fired(rule, lambda t: {"progress": 0.2}, time_limit_s=3.0)
    assert result is not None
    assert result[1].rule == "time_limit"


LOOKER = "looker"
LEARNED = {"termination": ("progress_threshold",), "rule_options": {"progress_threshold": {"ema": 1.0}}}


def test_an_estimator_ends_the_task_of_a_policy_that_predicts_nothing() -> None:
    """At 5 Hz; 0.95 from tick 60 on, held for a second."""
    outputs, _ = drive(
        scheduler(**LEARNED),
        ScriptedPolicy(SPACE),
        SPACE,
        120,
        estimate=lambda t: Estimate(LOOKER, 0.95 if t >= 60 else 0.3) if t % 6 == 0 else None,
    )
    assert next(output.tick for output in outputs if output.outcome) == 90
    assert outputs[90].outcome is not None
    assert outputs[90].outcome.rule == "progress_threshold"
    assert outputs[90].estimator == LOOKER


def test_beside_an_estimator_the_policys_own_word_ends_nothing() -> None:
    boasting = ScriptedPolicy(SPACE, progress=dict.fromkeys(range(100), 1.0))
    outputs, _ = drive(
        scheduler(**LEARNED),
        boasting,
        SPACE,
        300,
        estimate=lambda t: Estimate(LOOKER, 0.2) if t < 20 else None,
    )
    assert outputs[-1].outcome is None
    assert outputs[-1].progress == 0.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_progress_that_jumps_or_never_rises_leaves_the_task_to_the_time_limit(values: list[float]) -> None:
    erratic = [value if index % 2 else 0.0 for index, value in enumerate(values)]
    options = {"progress_threshold": {"value": 0.9}}
    result = fired(
        "progress_threshold",
        lambda t: {"progress": erratic[t % len(erratic)] if len(erratic) > 1 else 0.0},
        time_limit_s=4.0,
        rule_options=options,
    )
    assert result is not None
    assert result[1].rule == "time_limit"
