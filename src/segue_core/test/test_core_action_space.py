"""Action spaces name every number."""

import json
from dataclasses import replace

import numpy as np
import pytest

from segue_core.action_space import (
    ACTION_SPACES,
    DUAL_ARM_EE,
    SINGLE_ARM_EE,
    SINGLE_ARM_JOINTS_6,
    SINGLE_ARM_JOINTS_7,
    UNIVERSAL_DUAL_ARM,
    ActionSpace,
    Channel,
    ChannelKind,
    action_space,
)
from segue_core.errors import ConfigError, ErrorCode, SchedulerError

SPACES = list(ACTION_SPACES.values())
WIDTHS = [
    (DUAL_ARM_EE, 14),
    (UNIVERSAL_DUAL_ARM, 30),
    (SINGLE_ARM_EE, 7),
    (SINGLE_ARM_JOINTS_6, 7),
    (SINGLE_ARM_JOINTS_7, 8),
]


@pytest.mark.parametrize(("space", "width"), WIDTHS)
def test_widths_are_those_of_the_papers(space: ActionSpace, width: int) -> None:
    assert space.dim == width == len(space.names) == len(space.low) == len(space.high)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_slices_tile_the_vector_in_order(space: ActionSpace) -> None:
    indices = [i for channel in space.channels for i in range(space.dim)[space.slice(channel.name)]]
    assert indices == list(range(space.dim))


def test_dual_arm_order_is_position_rotation_gripper_left_then_right() -> None:
    assert DUAL_ARM_EE.slice("left_rotation") == slice(3, 6)
    assert DUAL_ARM_EE.slice("left_gripper") == slice(6, 7)
    assert DUAL_ARM_EE.slice("right_gripper") == slice(13, 14)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_space_survives_json(space: ActionSpace) -> None:
    text = json.dumps(space.to_dict(), allow_nan=False)
    assert ActionSpace.from_dict(json.loads(text)) == space


def test_the_fingerprint_sees_meaning_and_not_bounds() -> None:
    position = DUAL_ARM_EE.channels[0]
    tighter = replace(position, low=(-0.1,) * 3)
    renamed = replace(position, name="tool_position")
    rest = DUAL_ARM_EE.channels[1:]
    assert replace(DUAL_ARM_EE, channels=(tighter, *rest)).fingerprint() == DUAL_ARM_EE.fingerprint()
    assert replace(DUAL_ARM_EE, channels=(renamed, *rest)).fingerprint() != DUAL_ARM_EE.fingerprint()
    assert replace(DUAL_ARM_EE, rate_hz=20.0).fingerprint() != DUAL_ARM_EE.fingerprint()


def test_fingerprints_that_recordings_and_checkpoints_carry_stay() -> None:
    assert DUAL_ARM_EE.fingerprint() == "74509b02a8162b4d"
    assert len({space.fingerprint() for space in SPACES}) == len(SPACES)


def test_a_space_at_another_rate_means_something_else() -> None:
    slow = action_space("single_arm_ee", 10.0)
    assert (slow.rate_hz, slow.channels) == (10.0, SINGLE_ARM_EE.channels)
    assert slow.fingerprint() != SINGLE_ARM_EE.fingerprint()
    assert action_space("single_arm_ee", 30.0) is SINGLE_ARM_EE


def test_names_of_single_numbers_have_no_index() -> None:
    assert DUAL_ARM_EE.names[:7] == (
        *(f"left_position_{i}" for i in range(3)),
        *(f"left_rotation_{i}" for i in range(3)),
        "left_gripper",
    )


def test_an_unknown_space_or_channel_lists_the_valid_names() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'dual_arm_ee'.*universal_dual_arm"):
        action_space("dual_arm_e")
    with pytest.raises(ConfigError, match="left_gripper"):
        DUAL_ARM_EE.slice("gripper")
    assert action_space("dual_arm_ee") is DUAL_ARM_EE


def test_wrong_width_and_bad_values_are_named() -> None:
    with pytest.raises(SchedulerError, match=r"got \(2, 13\); expected \(\.\.\., 14\)") as shape:
        DUAL_ARM_EE.validate(np.zeros((2, 13)), "chunk")
    actions = np.zeros((4, 14))
    actions[2, 6] = np.inf
    with pytest.raises(SchedulerError, match=r"inf at \(2, 6\) \(left_gripper\)") as value:
        DUAL_ARM_EE.validate(actions, "chunk")
    assert shape.value.code is ErrorCode.CHUNK_WRONG_SHAPE
    assert value.value.code is ErrorCode.CHUNK_NOT_FINITE


def test_clipping_moves_into_the_bounds_and_no_further() -> None:
    clipped = DUAL_ARM_EE.clip(np.full(14, 100.0))
    np.testing.assert_array_equal(clipped, DUAL_ARM_EE.high)


@pytest.mark.parametrize("bounds", [((0.0,), (1.0, 1.0)), ((0.0, 2.0), (1.0, 1.0))])
def test_a_channel_with_wrong_bounds_is_refused(bounds: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ConfigError, match="bound"):
        Channel("x", ChannelKind.POSITION, 2, "m", *bounds)


@pytest.mark.parametrize("data", [{}, {"name": "x", "rate_hz": 30, "channels": [{"name": "y"}]}])
def test_a_broken_description_is_a_configuration_error(data: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="action space"):
        ActionSpace.from_dict(data)
