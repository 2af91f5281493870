"""Reaction time: two equal episodes, but for an object that is moved in one of them."""

from dataclasses import replace

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError
from segue_eval.bench.reaction import middle_of_a_chunk, parted, reactions, table
from segue_eval.build import Setup

EXPERT = Setup(
    "pick_place", "scripted", "", scheduler={"stride": 30, "delay": 8, "continuation": "naive_async"}
)


@pytest.mark.parametrize(("stride", "delay", "tick"), [(30, 8, 23), (8, 8, 20), (1, 1, 20), (60, 10, 40)])
def test_an_object_is_moved_halfway_between_two_answers_with_the_arm_under_way(
    stride: int, delay: int, tick: int
) -> None:
    assert middle_of_a_chunk(stride, delay) == tick


def test_commands_have_turned_when_a_tool_is_a_centimetre_off_and_a_gripper_is_no_turn() -> None:
    first = np.zeros((50, DUAL_ARM_EE.dim))
    second = first.copy()
    second[:, DUAL_ARM_EE.slice("left_gripper")] = 1.0
    assert parted(DUAL_ARM_EE, first, second) is None
    second[:, DUAL_ARM_EE.slice("right_position")] = np.linspace(0, 0.05, 50)[:, None] * [1.0, 0.0, 0.0]
    assert parted(DUAL_ARM_EE, first, second) == 10


def test_whoever_sees_an_object_moved_turns_with_the_next_answer_and_whoever_is_blind_never() -> None:
    (seen,) = reactions(EXPERT, [3], shift_m=0.06)
    assert seen.ticks is not None and 30 // 2 <= seen.ticks <= 30 // 2 + 30
    (blind,) = reactions(replace(EXPERT, policy="hold"), [3], shift_m=0.06)
    assert blind.ticks is None and blind.moved
    assert "none within 4 s: 1 of 2" in table([seen, blind])


@pytest.mark.parametrize(
    ("setup", "text"),
    [
        (replace(EXPERT, task="drawer"), "no loose object"),
        (replace(EXPERT, latency="measured"), "give latency=TICKS"),
    ],
)
def test_what_cannot_be_measured_is_refused(setup: Setup, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        list(reactions(setup, [3], shift_m=0.06))
