"""Lengths, capabilities and identities are checked before anything moves; nothing is shortened silently."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError, ErrorCode, SchedulerError
from segue_core.policy import CAPABILITIES
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy, policy_info


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ({"stride": 61}, "s <= H"),
        ({"delay": 31}, "d <= s"),
        ({"stride": 50, "delay": 20}, "delay 20 does not fit, 10 does.*; s = 40 fits"),
        ({"ramp": 23}, "ramp 23 does not fit, 22 does"),
    ],
)
def test_infeasible_lengths_are_refused_with_all_four_numbers(lengths: dict[str, Any], said: str) -> None:
    with pytest.raises(SchedulerError, match=said) as caught:
        scheduler(**lengths)
    assert caught.value.code is ErrorCode.SCHEDULER_INFEASIBLE
    assert "H=60" in str(caught.value)
    assert f"s={lengths.get('stride', 30)}" in str(caught.value)


def test_lengths_are_shortened_with_a_note_when_configured_so() -> None:
    machine = scheduler(stride=50, delay=20, when_infeasible="shorten")
    assert (machine.plan.delay, machine.plan.ramp) == (10, 0)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 200)
    assert outputs[0].notes == machine.plan.notes != ()
    assert machine.stats.shortened_requests == 0  # the regular request fits what the plan shortened to


@given(st.integers(1, 60), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_exactly_what_fits_the_horizon_is_accepted(stride: int, delay: int, ramp: int | None) -> None:
    fits = delay <= stride and delay + stride + (ramp or 0) <= 60
    if not fits:
        with pytest.raises(SchedulerError) as caught:
            scheduler(stride=stride, delay=delay, ramp=ramp)
        assert caught.value.code is ErrorCode.SCHEDULER_INFEASIBLE
        return
    plan = scheduler(stride=stride, delay=delay, ramp=ramp).plan
    assert plan.delay == delay
    assert plan.ramp == (ramp if ramp is not None else 60 - stride - delay)


def test_a_delay_or_ramp_beyond_the_policys_training_is_refused() -> None:
    info = replace(policy_info(SPACE), max_delay=6, max_ramp=50)
    with pytest.raises(SchedulerError, match=r"delay 8 does not fit, 6 does.*trained up to 6"):
        ChunkScheduler(SchedulerConfig(), SPACE, info)
    with pytest.raises(SchedulerError, match=r"ramp 22 does not fit, 20 does.*trained up to 20"):
        ChunkScheduler(SchedulerConfig(), SPACE, replace(info, max_delay=10, max_ramp=20))
    ChunkScheduler(SchedulerConfig(continuation="naive_async"), SPACE, info)


def test_a_late_request_is_shortened_to_the_rows_left_and_counted() -> None:
    machine, policy = scheduler(delay_mode="adaptive", warmup=0), ScriptedPolicy(SPACE)
    outputs, _ = drive(machine, policy, SPACE, 300, lambda number: 29)
    notes = [note for output in outputs for note in output.notes]
    assert machine.stats.shortened_requests == 0
    assert not notes
    assert policy.requests[-1].delay == 29
    assert policy.requests[-1].omega.sum() == pytest.approx(29.5)


@pytest.mark.parametrize(
    "plain", ["naive_async", "temporal_ensemble", "linear_blend", "reverse_temporal_ensemble"]
)
def test_a_method_without_guidance_has_no_ramp_to_shorten(plain: str) -> None:
    """A run of ACT on a busy machine succeeded with a warning for every chunk."""
    given = {"stride": 3, "delay": 1, "delay_mode": "adaptive", "warmup": 0}
    machine = scheduler(frozenset(), continuation=plain, **given)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 100, lambda number: 6)
    assert not [note for output in outputs for note in output.notes]
    assert machine.stats.shortened_requests == 0


def test_a_delay_longer_than_the_overlap_claims_the_overlap_and_says_so() -> None:
    machine = scheduler(delay_mode="adaptive", warmup=0, max_starved_s=1000 / 30)
    policy = ScriptedPolicy(SPACE)
    outputs, _ = drive(machine, policy, SPACE, 200, lambda number: 40)
    assert machine.stats.shortened_requests > 0
    assert any("delay shortened from 40 to 30" in note for output in outputs for note in output.notes)


def test_a_method_that_the_policy_cannot_serve_is_refused_naming_the_capability() -> None:
    with pytest.raises(
        SchedulerError, match="cannot serve continuation 'legato': it lacks per_step_guidance"
    ) as caught:
        scheduler(CAPABILITIES - {"per_step_guidance"})
    assert caught.value.code is ErrorCode.SCHEDULER_CAPABILITY
    for plain in ("naive_async", "synchronous", "temporal_ensemble", "linear_blend"):
        scheduler(frozenset(), continuation=plain)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizon": 50}, "horizon; got 50; expected 60"),
        ({"rate_hz": 20.0}, "rate"),
        ({"action_space": DUAL_ARM_EE}, "action space; got dual_arm_ee; expected line"),
    ],
)
def test_a_policy_of_another_shape_is_refused(change: dict[str, object], said: str) -> None:
    info = replace(policy_info(SPACE), **change)  # type: ignore[arg-type]
    with pytest.raises(SchedulerError, match=said) as caught:
        ChunkScheduler(SchedulerConfig(), SPACE, info)
    assert caught.value.code is ErrorCode.SCHEDULER_POLICY_MISMATCH


def test_an_unknown_method_lists_the_valid_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"did you mean 'legato'.*naive_async, omega_blend.*, rtc, synchronous"
    ):
        scheduler(continuation="legatto")


@pytest.mark.parametrize("method", ["synchronous", "naive_async", "legato", "rtc", "temporal_ensemble"])
def test_an_unknown_option_of_a_method_is_refused(method: str) -> None:
    with pytest.raises(ConfigError, match=f"continuation_options of {method}: window: unknown key"):
        scheduler(continuation=method, continuation_options={"window": 3})
