"""A LeRobot checkpoint behind the policy protocol: its own network and its own processors, our requests.

    observation -> LeRobot's preprocessor -> predict_action_chunk -> LeRobot's postprocessor -> chunk (H, D)

Nothing is kept between requests. A policy that looks at several observations is shown the present one for the earlier
ones, as LeRobot does at an episode's first step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from segue_core.chunk import ActionChunk
from segue_core.config_base import ModelT, StrictModel, parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.common.checkpoint import Expected
from segue_policies.common.coherence import distances
from segue_policies.common.guidance import MAX_GUIDANCE_WEIGHT
from segue_policies.common.normalise import FLOORS
from segue_policies.common.serving import check_observation, check_rows
from segue_policies.lerobot.contract import ACTION, FLOWS, SAMPLED, STATE, Contract, read_contract
from segue_policies.lerobot.guide import Guide
from segue_policies.lerobot.loading import Loaded, load


class NoOptions(StrictModel):
    """Of `plain`."""


class BidirectionalOptions(StrictModel):
    """Of `bidirectional`."""

    candidates: int = Field(default=8, ge=1, le=256, description="chunks drawn, one after the other")


class RtcOptions(StrictModel):
    """Of `rtc`."""

    max_guidance_weight: float = Field(
        default=MAX_GUIDANCE_WEIGHT, ge=0, le=1000, description="clip beta of the guidance weight"
    )


class LeRobotPolicy:
    """Deterministic in the request, as every policy here."""

    def __init__(self, contract: Contract, loaded: Loaded) -> None:
        self._contract, self._loaded = contract, loaded
        self._methods: dict[str, Callable[[PredictRequest, dict[str, Any]], NDArray[np.float32]]] = {
            "plain": self._plain
        }
        if contract.kind in SAMPLED:
            self._methods["bidirectional"] = self._bidirectional
        if contract.kind in FLOWS:
            self._methods["rtc"] = self._rtc

    @classmethod
    def load(
        cls, folder: Path, expected: Expected | None = None, threads: int | None = None
    ) -> LeRobotPolicy:
        """Read a checkpoint folder (`config.json`, `model.safetensors` and the processors' files).

        Raises:
            PolicyError: it is missing, corrupt or not what is expected, or LeRobot is not installed.
        """
        contract = read_contract(folder, expected)
        if threads is not None:
            torch.set_num_threads(threads)
        return cls(contract, load(folder))

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._contract.info

    def reset(self) -> None:
        """Nothing is kept between requests."""

    def predict(self, request: PredictRequest) -> PredictResult:
        """One chunk by the method of the request: plain, bidirectional for what samples, rtc for flows.

        Raises:
            PolicyError: a method that this type cannot serve, a bad option, observation, reference or omega, or a
                chunk that is not finite or of another length than config.json says.
        """
        start = time.perf_counter()
        if request.method not in self._methods:
            text, allowed = f"lerobot ({self._contract.kind}): method", tuple(self._methods)
            raise PolicyError(ErrorCode.POLICY_UNSUPPORTED_METHOD, text, got=request.method, allowed=allowed)
        observation = self._observation(request)
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(request.seed & (2**63 - 1))
            actions = self._methods[request.method](request, observation)
        if not np.isfinite(actions).all():
            raise PolicyError(ErrorCode.POLICY_NOT_FINITE, "the sampled chunk is not finite")
        info = self.info
        rows = info.action_space.clip(actions).astype(np.float32)
        omega = np.zeros(info.horizon, np.float32) if request.method == "plain" else request.omega
        chunk = ActionChunk(rows, request.start_tick, info.name, request.sequence, omega=omega)
        return PredictResult(chunk, time.perf_counter() - start)

    def _plain(self, request: PredictRequest, observation: dict[str, Any]) -> NDArray[np.float32]:
        _options(request, NoOptions)
        return self._draw(observation)

    def _bidirectional(self, request: PredictRequest, observation: dict[str, Any]) -> NDArray[np.float32]:
        count = _options(request, BidirectionalOptions).candidates
        reference, omega = self._guidance(request)
        drawn = np.stack([self._draw(observation) for _ in range(count)])
        space = self.info.action_space
        scale = np.concatenate([np.full(c.size, FLOORS[c.kind], np.float32) for c in space.channels])
        best: NDArray[np.float32] = drawn[int(np.argmin(distances(space, drawn, reference, omega, scale)))]
        return best

    def _rtc(self, request: PredictRequest, observation: dict[str, Any]) -> NDArray[np.float32]:
        weight = _options(request, RtcOptions).max_guidance_weight
        reference, omega = self._guidance(request)
        told = {**observation, ACTION: torch.from_numpy(reference)[None]}
        normalised = self._loaded.before(told)[ACTION]
        guide = Guide(torch.from_numpy(omega), normalised, weight)
        policy = self._loaded.policy
        before = policy.model.rtc_processor, policy.config.rtc_config
        try:
            policy.model.rtc_processor, policy.config.rtc_config = guide, _Enabled()
            return self._draw(observation)
        finally:
            policy.model.rtc_processor, policy.config.rtc_config = before

    def _guidance(self, request: PredictRequest) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        info = self.info
        omega = check_rows("omega", request.omega, (info.horizon,))
        reference = check_rows("reference", request.reference, (info.horizon, info.action_space.dim))
        return reference, omega

    @torch.no_grad()  # not inference mode: `rtc` differentiates the velocity
    def _draw(self, observation: Mapping[str, Any]) -> NDArray[np.float32]:
        """One chunk (H, D) in physical units."""
        policy = self._loaded.policy
        policy.reset()
        batch = self._loaded.before(dict(observation))
        batch = {key: value for key, value in batch.items() if key != ACTION}
        chunk = policy.predict_action_chunk(_remembered(policy, batch))
        actions: NDArray[np.float32] = self._loaded.after(chunk)[0].float().cpu().numpy()
        expected = (self.info.horizon, self.info.action_space.dim)
        if actions.shape != expected:
            raise PolicyError(ErrorCode.POLICY_FAILED, "chunk", got=actions.shape, expected=expected)
        return actions

    def _observation(self, request: PredictRequest) -> dict[str, Any]:
        """As LeRobot's robots give it: pictures (1, 3, h, w) in 0..1, state (1, S), task."""
        pixels, state = check_observation(request.observation, self.info, self.info.action_space.dim)
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255.0
        given: dict[str, Any] = {key: images[k : k + 1] for k, key in enumerate(self._contract.keys)}
        instruction = self._contract.instruction or request.instruction
        return {**given, STATE: torch.from_numpy(state)[None], "task": [instruction]}


class _Enabled:
    """What LeRobot's flows ask before they call their processor."""

    enabled = True


def _remembered(policy: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """Fill the queues of policies that look at several observations; `predict_action_chunk` reads those."""
    from lerobot.policies.utils import populate_queues
    from lerobot.utils.constants import OBS_IMAGES

    queues = getattr(policy, "_queues", None)
    if not queues or STATE not in queues:
        return batch
    if policy.config.image_features:
        pictures = [batch[key] for key in policy.config.image_features]
        batch = {**batch, OBS_IMAGES: torch.stack(pictures, dim=-4)}
    policy._queues = populate_queues(queues, batch)
    return batch


def _options(request: PredictRequest, model: type[ModelT]) -> ModelT:
    try:
        return parse_model(dict(request.options), model, f"options of {request.method}")
    except ConfigError as error:
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, error.text) from error
