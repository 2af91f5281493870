"""What a policy node shows and tells its policy, over real topics: the same as lockstep does, however messages come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from policy_rig import ros_with
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from spinning import spin_until

from segue_core import wire
from segue_core.action_space import DUAL_ARM_EE
from segue_core.arrays import Floats32
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode
from segue_core.history import FIRST
from segue_core.observation import Observation
from segue_core.policy import ChunkRequest, PolicyInfo, PredictRequest, PredictResult
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import RobotCommand
from segue_policies.node.policy import PolicyNode
from segue_ros import conversions, qos

INFO = PolicyInfo(
    "past", DUAL_ARM_EE, 20, 1, 30.0, (), (16, 16), frozenset(), 0, 0, history=(FIRST, -2, 0), observe_every=3
)


@dataclass
class Past:
    """Answers with the ticks that it was shown and the number of commands that it was told of, and keeps all."""

    info: PolicyInfo = INFO
    resets: int = 0
    told: list[tuple[int, list[float]]] = field(default_factory=list)
    shown: list[list[int]] = field(default_factory=list)
    upset: bool = False
    corrections: list[int] = field(default_factory=list)

    def imagined(self) -> dict[int, NDArray[np.uint8]]:
        tick = self.shown[-1][-1]
        return {tick + k: np.full((4, 6, 3), tick + k, np.uint8) for k in (2, 4)}

    def corrected(self) -> None:
        self.corrections.append(len(self.told))

    def reset(self) -> None:
        self.resets, self.told = self.resets + 1, []

    def observe(self, observation: Observation, executed: Floats32) -> None:
        if self.upset:
            raise RuntimeError("too much")
        self.told.append((observation.tick, executed[:, 0].tolist()))

    def predict(self, request: PredictRequest) -> PredictResult:
        self.shown.append([seen.tick for seen in request.observations])
        rows = np.full((20, 14), sum(len(rows) for _, rows in self.told), np.float32)
        return PredictResult(ActionChunk(rows, request.start_tick, "past", request.sequence))


class Rig:
    """A node with a policy in it, and what a scheduler and perception send."""

    def __init__(self, policy: Past) -> None:
        class Served(PolicyNode):
            def load(self, *_: Any) -> Any:
                return policy

        self.node, self.peer, self.executor = Served(), Node("scheduler"), SingleThreadedExecutor()
        self.node.trigger_configure()
        self.node.trigger_activate()
        for node in (self.node, self.peer):
            self.executor.add_node(node)
        self._client: Any = ActionClient(self.peer, PredictChunk, "/segue/predict_chunk")
        self._seen = self.peer.create_publisher(ObservationMsg, "/segue/observation", qos.OBSERVATION)
        self._done = self.peer.create_publisher(RobotCommand, "/segue/command", qos.COMMAND)
        ends = (self._seen, self._done)
        spin_until(
            self.executor,
            lambda: self._client.server_is_ready() and all(e.get_subscription_count() for e in ends),
        )

    def see(self, *ticks: int) -> None:
        stamp = self.peer.get_clock().now().to_msg()
        for tick in ticks:
            seen = Observation(tick, np.full(14, tick / 1000, np.float32), {})
            self._seen.publish(conversions.observation_to_msg(seen, DUAL_ARM_EE, stamp, {}, 0.0))
            spin_until(self.executor, lambda tick=tick: self.node._seen.get(tick) is not None)

    def do(self, *ticks: int, run_id: str = "run") -> None:
        stamp = self.peer.get_clock().now().to_msg()
        for tick in ticks:
            command = wire.Command(tick, run_id, np.full(14, tick / 1000), hold=False, starved=False)
            self._done.publish(conversions.command_to_msg(command, DUAL_ARM_EE, stamp))
            spin_until(self.executor, lambda tick=tick: self.node._memory._newest >= tick)

    def ask(self, tick: int, sequence: int, run_id: str = "run", reset: bool = False) -> Any:
        rows = np.zeros((20, 14), np.float32)
        request = ChunkRequest(tick, sequence, "plain", rows[:, 0], rows, 0, 0)
        sent = self._client.send_goal_async(conversions.goal_to_msg(request, reset=reset, run_id=run_id))
        spin_until(self.executor, sent.done)
        result = sent.result().get_result_async()
        spin_until(self.executor, result.done)
        return result.result().result

    def end(self) -> None:
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()


@pytest.fixture
def policy() -> Past:
    return Past()


@pytest.fixture
def rig(policy: Past) -> Iterator[Rig]:
    with ros_with(method="hold", observation_timeout_s=0.3):
        rig = Rig(policy)
        yield rig
        rig.end()


def rows(*ticks: int) -> list[float]:
    return [float(np.float32(tick / 1000)) for tick in ticks]


def test_a_policy_is_told_in_order_whatever_comes_first(rig: Rig, policy: Past) -> None:
    rig.see(7, 8, 9, 10)
    rig.do(10)
    assert rig.ask(10, 0, reset=True).error_code == 0
    rig.do(11, 12, 13)
    rig.see(11, 12, 13, 14, 15)
    rig.do(14, 15)
    answer = rig.ask(15, 1)
    assert policy.told == [(10, []), (13, rows(10, 11, 12))]
    assert policy.shown[-2:] == [[10, 10, 10], [10, 13, 15]]
    assert set(answer.chunk.actions) == {3.0}


def test_a_memory_knows_what_a_person_did_in_the_middle_of_a_run(rig: Rig, policy: Past) -> None:
    """It was reset when the run went on, and knew neither the person's commands nor its own before them."""
    rig.see(10)
    rig.do(10)
    rig.ask(10, 0, reset=True)
    rig.see(*range(11, 41))
    rig.do(*range(11, 21))
    rig.do(*range(21, 36), run_id="teleop")
    rig.do(*range(36, 41))
    resets = policy.resets
    rig.ask(40, 1, reset=True)
    assert policy.resets == resets
    assert policy.shown[-1] == [10, 38, 40]
    assert [tick for tick, _ in policy.told] == [*range(10, 41, 3)]
    assert [row for _, done in policy.told for row in done] == rows(*range(10, 40))
    assert policy.corrections == [4, 5, 6, 7, 8, 9]  # each before what was done in three of 19 to 36 is told
    rig.ask(40, 0, run_id="next", reset=True)
    assert policy.resets == resets + 1
    assert policy.shown[-1] == [40, 40, 40]
    assert policy.told == [(40, [])]


def test_a_picture_that_was_imagined_is_shown_when_what_it_was_imagined_for_is_seen(rig: Rig) -> None:
    shown: list[Image] = []
    rig.peer.create_subscription(Image, "/imagined_camera/image_raw", shown.append, qos.SENSOR)
    spin_until(rig.executor, lambda: rig.node._imagination._out.get_subscription_count() == 1)
    for sequence, ticks in enumerate([(10,), (11, 13)]):
        tick = ticks[-1]
        rig.see(*ticks)
        rig.do(tick)
        assert rig.ask(tick, sequence, reset=sequence == 0).error_code == 0
        spin_until(rig.executor, lambda tick=tick: tick + 4 in rig.node._imagination._waiting)
    rig.see(14, 15, 16, 17)
    spin_until(rig.executor, lambda: len(shown) == 3)
    assert [picture.data[0] for picture in shown] == [
        14,
        15,
        17,
    ]  # nobody saw tick 12, and 16 was not imagined
    assert (shown[0].height, shown[0].width, shown[0].encoding) == (4, 6, "rgb8")


def test_a_picture_that_is_decoded_late_has_the_stamp_that_it_was_imagined_for(rig: Rig) -> None:
    """An answer that took most of its ticks showed nothing: what it had imagined was past when it came."""
    shown: list[Image] = []
    rig.peer.create_subscription(Image, "/imagined_camera/image_raw", shown.append, qos.SENSOR)
    imagination = rig.node._imagination
    spin_until(rig.executor, lambda: imagination._out.get_subscription_count() == 1)
    picture = np.zeros((4, 6, 3), np.uint8)
    for tick in range(10, 15):
        imagination.saw(tick, Time(sec=tick))
    imagination._imagined({12: picture, 14: picture, 16: picture}, imagination._age)
    imagination._imagined({12: picture, 14: picture}, imagination._age)  # were shown
    imagination.saw(16, Time(sec=16))
    spin_until(rig.executor, lambda: len(shown) == 3)
    assert [each.header.stamp.sec for each in shown] == [12, 14, 16]


def test_what_is_forgotten_while_it_is_decoded_does_not_come_back(rig: Rig, policy: Past) -> None:
    imagination = rig.node._imagination
    rig.peer.create_subscription(Image, "/imagined_camera/image_raw", lambda _: None, qos.SENSOR)
    spin_until(rig.executor, lambda: imagination._out.get_subscription_count() == 1)
    policy.shown.append([10])
    decoding: list[Any] = []
    imagination._do = decoding.append
    imagination.answered()
    imagination.forget()
    (decode,) = decoding
    decode()
    assert imagination._waiting == {}


def test_a_request_that_is_asked_too_late_for_the_memory_is_refused(rig: Rig, policy: Past) -> None:
    """Its answer would know more than the one in lockstep."""
    rig.see(10)
    rig.do(10)
    rig.ask(10, 0, reset=True)
    rig.see(*range(11, 20))
    rig.do(*range(11, 20))
    refused = rig.ask(12, 1)
    assert refused.error_code == ErrorCode.POLICY_OBSERVATION_MISSING
    assert "memory is past tick 12" in refused.error_text
    assert rig.ask(19, 2).error_code == 0
    assert [tick for tick, _ in policy.told] == [10, 13, 16, 19]


def test_a_policy_with_memory_does_not_answer_without_the_commands(rig: Rig) -> None:
    rig.see(10)
    refused = rig.ask(10, 0, reset=True)
    assert refused.error_code == ErrorCode.POLICY_OBSERVATION_MISSING
    assert "no command on segue/command for tick 10" in refused.error_text


def test_a_memory_that_failed_answers_nothing_until_the_next_reset(rig: Rig, policy: Past) -> None:
    policy.upset = True
    rig.see(10)
    rig.do(10)
    for sequence in (0, 1):
        refused = rig.ask(10, sequence, reset=sequence == 0)
        assert refused.error_code == ErrorCode.POLICY_FAILED and "too much" in refused.error_text
    policy.upset = False
    assert rig.ask(10, 2, reset=True).error_code == 0


def test_an_earlier_observation_that_never_came_fails_the_request(rig: Rig) -> None:
    rig.see(10)
    rig.do(10)
    rig.ask(10, 0, reset=True)
    rig.see(11, 13)
    rig.do(13)
    assert rig.ask(13, 1).error_code == 0
    rig.see(14)
    rig.do(14)
    refused = rig.ask(14, 2)
    assert "no observation for tick 12" in refused.error_text


def test_a_reset_that_came_with_a_refused_request_is_not_lost(rig: Rig, policy: Past) -> None:
    resets = policy.resets
    assert rig.ask(10, 0, reset=True).error_code == ErrorCode.POLICY_OBSERVATION_MISSING
    rig.see(11)
    rig.do(11)
    assert rig.ask(11, 1).error_code == 0
    assert policy.resets == resets + 1
