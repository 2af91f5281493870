"""200s: policies, their nodes and servers, checkpoints, training."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np

from segue_core.contracts.files import load_robot
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode
from segue_core.lease import Lease
from segue_core.observation import Observation
from segue_core.policy import Policy, PolicyInfo, PredictRequest, PredictResult
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import GuidanceSchedule
from segue_policies.answering import decode
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.deployment import Deployment
from segue_policies.methods.chain_of_action.plausible import plausible
from segue_policies.methods.hold.policy import HoldPolicy
from segue_policies.methods.lerobot import client
from segue_policies.methods.lerobot.lerobot_server.serving import FORMAT
from segue_policies.methods.lerobot.lerobot_server.wire import send
from segue_policies.node.policy import PolicyNode, PolicyParameters
from segue_policies.policy_loading import check_checkpoint, load_policy
from segue_policies.training.budget import Budget
from segue_policies.training.config import TrainingConfig
from segue_scheduler.node import results
from segue_scheduler.node.policy_link import PolicyLink
from segue_scheduler.node.watches import TickWatch

from . import graph_free
from .provoking import Told, provokes

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "checkpoints"


class Ailing(HoldPolicy):
    """Fails from its second answer on; the first one is the node's warming up."""

    failure: Exception = ValueError("the network is upset")
    _warm = False

    def predict(self, request: PredictRequest) -> PredictResult:
        """One good answer."""
        if self._warm:
            raise self.failure
        self._warm = True
        return super().predict(request)


class AilingNode(PolicyNode):
    """Serves it without waiting for observations."""

    looks = False

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """Nothing to load."""
        return Ailing(Deployment(robot=robot))


class ShortOfMemoryNode(AilingNode):
    """Its inference finds no memory."""

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """Nothing to load."""
        policy = Ailing(Deployment(robot=robot))
        policy.failure = MemoryError()
        return policy


class InHalves(HoldPolicy):
    """Gives the first half of its chunk, then all of it."""

    @property
    def info(self) -> PolicyInfo:
        """That of the other one, but it streams."""
        return replace(super().info, capabilities=frozenset({"streaming"}))

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """Two parts."""
        whole = self.predict(request)
        half = whole.chunk.actions[: whole.chunk.horizon // 2]
        yield PredictResult(replace(whole.chunk, actions=half, complete=False))
        yield whole


def _goal(tick: int = 10) -> PredictChunk.Goal:
    dim = graph_free.SPACE.dim
    guidance = GuidanceSchedule(omega=[0.0] * 60)
    rows = [0.0] * 60 * dim
    return PredictChunk.Goal(
        start_tick=tick, sampling="plain", guidance=guidance, horizon=60, dim=dim, reference=rows
    )


def _answer(kind: type[PolicyNode], *, active: bool = True) -> Told:
    with graph_free.policy_bench(kind, active=active) as bench:
        result = bench.answer(_goal())
        return Told(result.error_code, result.error_text)


def _request(sampling: str = "plain", state: float = 0.0) -> tuple[Policy, PredictRequest]:
    """The smallest shipped policy, and what to ask it."""
    policy = load_policy(SHIPPED / "act_push_button")
    info = policy.info
    picture = np.zeros((info.image_size[1], info.image_size[0], 3), np.uint8)
    observation = Observation(0, np.full(info.action_space.dim, state), dict.fromkeys(info.cameras, picture))
    omega, reference = np.zeros(info.horizon), np.zeros((info.horizon, info.action_space.dim))
    return policy, PredictRequest(0, 0, sampling, omega, reference, 0, 0, observations=(observation,))


@provokes(ErrorCode.POLICY_NOT_READY, "the policy node is not active")
def a_policy_node_that_is_not_active(_: Path) -> Told:
    return _answer(PolicyNode, active=False)


@provokes(ErrorCode.POLICY_OBSERVATION_MISSING, "no observation for tick 10", "got ")
def a_tick_that_nobody_observed(_: Path) -> Told:
    return _answer(PolicyNode)


@provokes(ErrorCode.POLICY_BUSY, "another request", "tick 10")
def a_second_request(_: Path) -> Told:
    with graph_free.policy_bench(PolicyNode, patience_s=5.0) as bench:
        bench.send(_goal(10))
        result = bench.answer(_goal(11))
        return Told(result.error_code, result.error_text)


@provokes(ErrorCode.POLICY_FAILED, "hold", "ValueError: the network is upset")
def a_policy_that_raises(_: Path) -> Told:
    return _answer(AilingNode)


@provokes(ErrorCode.POLICY_OUT_OF_MEMORY, "hold", "no memory")
def a_policy_without_memory(_: Path) -> Told:
    return _answer(ShortOfMemoryNode)


@provokes(ErrorCode.POLICY_CANCELLED, "policy 'hold' was told to stop", "after 30 rows")
def an_answer_that_nobody_waits_for(_: Path) -> None:
    _, request = _request()
    robot = load_robot(str(SHIPPED.parent / "robots" / "dual_arm.yaml"))
    decode(InHalves(Deployment(robot=robot)), request, given_up=lambda: True)


@provokes(ErrorCode.POLICY_TIMEOUT, "LeRobot's server", "no answer in 0.1 s", "asked for a chunk")
def a_server_that_hangs(_: Path) -> None:
    ours, theirs = socket.socketpair()
    greet = Thread(target=send, args=(theirs, {"format": FORMAT}, {}))
    greet.start()
    with ours, theirs, patch.object(client, "ANSWER_TIMEOUT_S", 0.1):
        server = client.LeRobotServer(ours, "LeRobot's server")
        greet.join()
        server.draw({}, {})


@provokes(ErrorCode.POLICY_BAD_REQUEST, "act has no options", "got ['candidates']")
def an_option_that_a_policy_does_not_have(_: Path) -> None:
    policy, request = _request()
    policy.predict(PredictRequest(**(vars(request) | {"options": {"candidates": 3.0}})))


@provokes(ErrorCode.POLICY_UNSUPPORTED_SAMPLING, "act: sampling", "got legato", "allowed: plain")
def a_sampling_that_a_policy_does_not_have(_: Path) -> None:
    policy, request = _request("legato")
    policy.predict(request)


@provokes(
    ErrorCode.POLICY_NOT_FINITE, "act: the predicted chunk", "values NaN or infinite", "expected finite"
)
def a_state_beyond_all_floats(_: Path) -> None:
    policy, request = _request(state=3e38)
    policy.predict(request)


@provokes(
    ErrorCode.POLICY_IMPLAUSIBLE, "keyframe outside the workspace: arm_position", "got (0.40, 0.00, -0.30)"
)
def a_goal_under_the_table(_: Path) -> None:
    franka = load_robot(ROOT / "config" / "robots" / "franka.yaml")
    plausible(np.array([[0.4, 0.0, -0.3, 0.0, 0.0, 0.0, 1.0]]), 0, franka.action_space, franka)


@provokes(ErrorCode.CHECKPOINT_MISSING, "no such checkpoint folder", "got FOLDER/nowhere")
def no_checkpoint(folder: Path) -> None:
    check_checkpoint(folder / "nowhere")


@provokes(ErrorCode.CHECKPOINT_CORRUPT, "FOLDER/config.yaml", "horizn")
def a_checkpoint_with_an_unknown_key(folder: Path) -> None:
    shipped = (SHIPPED / "act_push_button" / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(shipped + "\nhorizn: 60\n", encoding="utf-8")
    check_checkpoint(folder)


@provokes(ErrorCode.CHECKPOINT_MISMATCH, "act_push_button", "horizon H: got ", "expected 7")
def a_checkpoint_of_another_horizon(_: Path) -> None:
    check_checkpoint(SHIPPED / "act_push_button", Expected(horizon=7))


@provokes(ErrorCode.TRAINING_FAILED, "no budget")
def a_training_without_a_budget(_: Path) -> None:
    Budget.of(TrainingConfig(steps=None, minutes=None))


@provokes(ErrorCode.POLICY_GONE, "nothing was heard of it for 1 s")
def a_policy_that_leaves_in_a_run(_: Path) -> Told:
    session = graph_free.session(Lease(1.0, required=False, now_s=0.0))
    with graph_free.policy_bench(PolicyNode) as bench:
        link = PolicyLink(bench.peer, lease_s=1.0, patience_s=0.0)
        bench.until(lambda: link.is_there)
        link.begin()
        link._on_liveliness(
            SimpleNamespace(alive_count=0, not_alive_count=1)
        )  # what the middleware says then
        session.judge_policy(link.fault(time.monotonic()))
    session.step(0, np.zeros(session.space.dim), 0, 0.5)
    result = results.result(session, TickWatch(), 30.0, cancelled=False, notes="")
    return Told(result.error_code, result.error_text)
