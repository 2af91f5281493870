"""What the methods ask a policy for: mask, sampling, options, and refusal of a policy that cannot serve them."""

from typing import Any

import numpy as np
import pytest

from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError, ErrorCode, SchedulerError
from segue_core.policy import CAPABILITIES, ChunkRequest
from segue_core.schedule import guidance_schedule
from segue_scheduler import continuation
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy, policy_info

NEEDS = {
    "bidirectional_decoding": "batch_sampling",
    "legato": "per_step_guidance",
    "one_shot": "initial_guidance",
    "rtc": "gradient_guidance",
    "training_time_rtc": "prefix_conditioning",
    "vlash": "future_state",
    "world_model_async": "world_model",
    "world_model_naive": "world_model",
}
SAMPLING = NEEDS.keys() - {"bidirectional_decoding", "world_model_async"}


def requests(name: str, **config: Any) -> list[ChunkRequest]:
    policy = ScriptedPolicy(SPACE)
    drive(scheduler(continuation=name, **config), policy, SPACE, 100)
    return policy.requests


@pytest.mark.parametrize("name", NEEDS)
def test_a_policy_that_lacks_what_a_method_needs_is_refused_by_name(name: str) -> None:
    with pytest.raises(
        SchedulerError, match=f"'scripted' cannot serve continuation '{name}'.*{NEEDS[name]}"
    ) as got:
        scheduler(CAPABILITIES - {NEEDS[name]}, continuation=name)
    assert got.value.code == ErrorCode.SCHEDULER_CAPABILITY
    scheduler(frozenset({NEEDS[name]}), continuation=name)


@pytest.mark.parametrize("name", sorted(set(continuation.available()) - NEEDS.keys()))
def test_any_policy_serves_the_other_methods(name: str) -> None:
    scheduler(frozenset(), continuation=name)


@pytest.mark.parametrize("name", sorted(SAMPLING))
def test_a_method_names_the_sampling_that_it_needs(name: str) -> None:
    assert {request.sampling for request in requests(name)} == {name}


@pytest.mark.parametrize(
    ("name", "ramp", "kind"),
    [
        ("bidirectional_decoding", 22, "exp"),
        ("legato", 22, "linear"),
        ("one_shot", 22, "linear"),
        ("rtc", 22, "exp"),
        ("training_time_rtc", 0, "zeros"),
        ("vlash", 0, "zeros"),
    ],
)
def test_the_mask_is_that_of_the_method_s_paper(name: str, ramp: int, kind: str) -> None:
    first, second, *_ = requests(name)
    assert not first.omega.any()
    np.testing.assert_array_equal(second.omega, guidance_schedule(60, 8, ramp, kind))
    assert second.delay == 8


def test_a_plain_answer_is_held_to_the_old_chunk_as_omega_says_and_the_seam_reports_that() -> None:
    """Rows that differ by 1 from the plan differ by 1 - omega when they are joined."""
    first, second, *_ = requests("omega_blend")
    assert (first.sampling, second.sampling) == ("plain", "plain") and not first.omega.any()
    np.testing.assert_array_equal(second.omega, guidance_schedule(60, 8, 22, "linear"))
    method = continuation.create("omega_blend", {})
    sampled = ActionChunk(second.reference + 1.0, 30, "policy", second.sequence)
    made = method.answered(sampled, second, SPACE)
    gap = made.actions - second.reference
    np.testing.assert_allclose(gap, np.broadcast_to(1.0 - second.omega[:, None], gap.shape), atol=1e-5)
    part = method.answered(ActionChunk(sampled.actions[:20], 30, "policy", second.sequence), second, SPACE)
    np.testing.assert_array_equal(part.actions, made.actions[:20])


@pytest.mark.parametrize("name", ["training_time_rtc", "vlash"])
def test_a_hard_prefix_asks_for_no_ramp_and_is_not_refused_for_it(name: str) -> None:
    info = policy_info(SPACE)
    trained = info.__class__(**{**info.__dict__, "max_ramp": 0, "max_delay": 10})
    config = scheduler(continuation=name)._config
    plan = ChunkScheduler(config, SPACE, trained).plan
    assert (plan.delay, plan.ramp, plan.notes) == (8, 0, ())
    short = info.__class__(**{**info.__dict__, "max_ramp": 0, "max_delay": 5})
    with pytest.raises(SchedulerError, match="delay 8 does not fit, 5 does"):
        ChunkScheduler(config, SPACE, short)


def test_options_of_a_method_travel_with_its_requests() -> None:
    rtc = requests("rtc", continuation_options={"max_guidance_weight": 10})
    assert [request.options for request in rtc] == [{"max_guidance_weight": 10.0}] * len(rtc)
    assert requests("bidirectional_decoding")[0].options == {"candidates": 16}
    assert requests("legato")[0].options == {}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("rtc", {"max_guidance_weight": -1}, "rtc: max_guidance_weight: got -1"),
        ("bidirectional_decoding", {"candidates": 0}, "bidirectional_decoding: candidates: got 0"),
        ("vlash", {"delta": 3}, "vlash: delta: unknown key"),
    ],
)
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=f"continuation_options of {said}"):
        scheduler(continuation=name, continuation_options=options)
