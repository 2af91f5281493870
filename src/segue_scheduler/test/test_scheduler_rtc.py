"""The mask that real-time chunking sends, against the golden vectors of its authors' code."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.errors import ErrorCode, SchedulerError
from segue_core.policy import CAPABILITIES, ChunkRequest
from segue_core.schedule import guidance_schedule
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy


def second_request(**config: Any) -> ChunkRequest:
    """The first request with a prefix."""
    policy = ScriptedPolicy(SPACE, config["horizon"])
    drive(scheduler(continuation="rtc", **config), policy, SPACE, 2 * config["horizon"])
    return policy.requests[1]


@pytest.mark.parametrize(
    ("lengths", "golden"),
    [
        (
            {"horizon": 16, "stride": 6, "delay": 4},
            [1, 1, 1, 1, 0.677, 0.433, 0.256, 0.133, 0.055, 0.013, 0, 0, 0, 0, 0, 0],
        ),
        ({"horizon": 8, "stride": 3, "delay": 2}, [1, 1, 0.4876, 0.1888, 0.0413, 0, 0, 0]),
    ],
)
def test_the_mask_of_a_request_equals_the_golden_vector(lengths: dict[str, int], golden: list[float]) -> None:
    request = second_request(**lengths)
    assert request.sampling == "rtc"
    np.testing.assert_allclose(request.omega, golden, atol=6e-4)


def test_the_mask_equals_the_golden_values_at_legato_size() -> None:
    request = second_request(horizon=60, stride=32, delay=8)
    np.testing.assert_allclose(request.omega[[8, 9, 14, 27]], [0.8823, 0.7747, 0.3677, 0.0014], atol=6e-5)
    assert not request.omega[28:].any()


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from(["linear", "exp", "zeros", "ones"]))
def test_the_mask_ends_with_the_overlap_whatever_its_shape(stride: int, delay: int, kind: str) -> None:
    delay = min(delay, stride)
    request = second_request(horizon=60, stride=stride, delay=delay, continuation_options={"ramp_kind": kind})
    assert (request.omega[:delay] == 1).all()
    assert not request.omega[60 - stride :].any()
    np.testing.assert_array_equal(request.omega, guidance_schedule(60, delay, 60 - stride - delay, kind))


def test_without_a_ramp_kind_of_its_own_it_takes_the_scheduler_s() -> None:
    request = second_request(
        horizon=60, stride=30, delay=8, ramp_kind="linear", continuation_options={"ramp_kind": None}
    )
    np.testing.assert_array_equal(request.omega, guidance_schedule(60, 8, 22, "linear"))


def test_the_reference_is_what_is_executing_padded_with_its_last_row() -> None:
    request = second_request(horizon=16, stride=6, delay=4)
    left = request.reference[:10, 0]
    np.testing.assert_allclose(np.diff(left), ScriptedPolicy.slope)
    assert (request.reference[10:, 0] == left[-1]).all()


def test_a_policy_without_gradients_is_refused_naming_the_capability() -> None:
    with pytest.raises(
        SchedulerError, match="cannot serve continuation 'rtc': it lacks gradient_guidance"
    ) as caught:
        scheduler(CAPABILITIES - {"gradient_guidance"}, continuation="rtc")
    assert caught.value.code is ErrorCode.SCHEDULER_CAPABILITY
    scheduler(frozenset({"gradient_guidance"}), continuation="rtc")
