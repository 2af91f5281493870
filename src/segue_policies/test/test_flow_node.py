"""A policy node over real topics: what it answers is what its policy says, settings of the method and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from policy_rig import ask, ros_with

from segue_core import wire
from segue_core.errors import ErrorCode
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_core.schedule import guidance_schedule
from segue_policies.node.policy import PolicyNode
from segue_policies.policy_loading import load_policy

TICK = 5


@pytest.fixture
def context(trained: Path) -> Iterator[None]:
    """ROS with the parameters of a policy node that serves the small trained checkpoint."""
    with ros_with(checkpoint=trained):
        yield


@pytest.mark.usefixtures("context")
def test_the_answer_over_ros_is_the_policy_s_own(trained: Path, dots: Any) -> None:
    images = dict(zip(dots.cameras, np.asarray(dots.images[7]), strict=True))
    observation = Observation(TICK, np.asarray(dots.state[7]), images)
    reference = np.tile(observation.state, (20, 1)).astype(np.float32)

    def request(sampling: str, **options: float) -> PredictRequest:
        omega = guidance_schedule(20, 4, 6)
        return PredictRequest(TICK, 1, sampling, omega, reference, 4, 3, options, observations=(observation,))

    requests = [
        request("rtc", max_guidance_weight=2.0),
        request("bidirectional", candidates=3),
        request("legato"),
    ]
    node = PolicyNode()
    node.trigger_configure()
    node.trigger_activate()
    *answers, refused = ask(node, observation, *requests, request("one_shot"))
    policy = load_policy(trained)
    for sent, got in zip(requests, answers, strict=True):
        assert got.error_code == 0, got.error_text
        chunk = wire.chunk_of(got.chunk, policy.info.action_space)
        assert chunk.actions.tobytes() == policy.predict(sent).chunk.actions.tobytes()
    assert refused.error_code == ErrorCode.POLICY_UNSUPPORTED_SAMPLING
    assert "one_shot" in refused.error_text


def test_a_node_of_another_objective_does_not_configure(trained: Path) -> None:
    with ros_with(checkpoint=trained, method="flow"):
        node = PolicyNode()
        node.trigger_configure()
        assert not hasattr(node, "_policy")
        assert "expected flow" in str(node.failure or node._refusal)
        node.destroy_node()


def test_a_node_is_told_of_the_devices_that_are_there(trained: Path) -> None:
    with ros_with(checkpoint=trained, device="cuda:99"):
        node = PolicyNode()
        node.trigger_configure()
        refused = str(node.failure or node._refusal)
        assert not hasattr(node, "_policy")
        assert "no such device here; got cuda:99; allowed: cpu" in refused
        node.destroy_node()
