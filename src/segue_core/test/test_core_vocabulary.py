"""Chunks, observations and policy information."""

from typing import Any

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError, ErrorCode, PerceptionError, SchedulerError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo
from segue_core.text_enum import TextEnum


def test_a_chunk_owns_read_only_float32_copies() -> None:
    source = np.ones((4, 2), dtype=np.float32)
    chunk = ActionChunk(source, start_tick=7, source="p", sequence=0, omega=np.ones(4, dtype=np.float32))
    source[:] = 5
    assert chunk.actions.dtype == np.float32
    assert (chunk.actions == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        chunk.actions[0] = 2
    assert chunk.omega is not None
    assert not chunk.omega.flags.writeable
    assert (chunk.horizon, chunk.end_tick) == (4, 11)


def test_the_guidance_of_a_short_chunk_is_that_of_the_rows_that_there_are() -> None:
    omega = np.linspace(1, 0, 6, dtype=np.float32)
    chunk = ActionChunk(np.ones((4, 2), np.float32), 0, "p", 0, omega=omega)
    np.testing.assert_array_equal(chunk.omega, omega[:4])
    with pytest.raises(SchedulerError, match="chunk omega"):
        ActionChunk(np.ones((7, 2), np.float32), 0, "p", 0, omega=omega)


@pytest.mark.parametrize("actions", [np.ones(4), np.ones((2, 3, 4))])
def test_a_chunk_has_two_axes(actions: np.ndarray) -> None:
    with pytest.raises(SchedulerError) as caught:
        ActionChunk(actions, 0, "p", 0)
    assert caught.value.code is ErrorCode.CHUNK_WRONG_SHAPE


@pytest.mark.parametrize(
    ("state", "image", "code"),
    [
        (np.ones((2, 2)), np.zeros((4, 4, 3), np.uint8), ErrorCode.STATE_CORRUPT),
        (np.array([np.nan]), np.zeros((4, 4, 3), np.uint8), ErrorCode.STATE_CORRUPT),
        (np.ones(3), np.zeros((4, 4, 3)), ErrorCode.FRAME_CORRUPT),
        (np.ones(3), np.zeros((4, 4), np.uint8), ErrorCode.FRAME_CORRUPT),
    ],
)
def test_a_corrupt_observation_cannot_exist(state: np.ndarray, image: np.ndarray, code: ErrorCode) -> None:
    with pytest.raises(PerceptionError) as caught:
        Observation(0, state, {"head": image})
    assert caught.value.code is code


def test_a_policy_cannot_declare_a_capability_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="did you mean 'per_step_guidance'"):
        PolicyInfo("p", DUAL_ARM_EE, 60, 5, 30.0, (), (96, 72), frozenset({"per_step_guidanc"}), 10, 50)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"horizon": 2**31 - 1}, "horizon.*2147483647"),
        ({"horizon": 0}, "horizon"),
        ({"image_size": (60_000, 60_000)}, "image width.*60000.*1 to 4096"),
        ({"image_size": (96, -1)}, "image height"),
        ({"cameras": ("head",) * 17}, "number of cameras"),
        ({"max_delay": -1}, "max_delay"),
        ({"num_steps": 10**6}, "num_steps"),
    ],
)
def test_a_policy_cannot_declare_what_no_node_could_hold(changed: dict[str, Any], named: str) -> None:
    """One such declaration once hung the scheduler and perception until they were killed."""
    good: dict[str, Any] = {
        "name": "p", "action_space": DUAL_ARM_EE, "horizon": 60, "num_steps": 5, "rate_hz": 30.0, "cameras": (),
        "image_size": (96, 72), "capabilities": frozenset(), "max_delay": 10, "max_ramp": 50,
    }  # fmt: skip
    PolicyInfo(**good)
    with pytest.raises(ConfigError, match=named):
        PolicyInfo(**good | changed)


def test_text_enumerations_print_as_their_value() -> None:
    class Colour(TextEnum):
        RED = "red"

    assert f"{Colour.RED}" == str(Colour.RED) == "red" == Colour("red")
