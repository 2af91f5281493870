"""A trained checkpoint behind the policy protocol: rows leave as their actions are decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_core.sampling import TRAINING_TIME_RTC, NoOptions
from segue_policies.checkpoints.checkpoint import CheckpointConfig, inspect_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.methods.action_stream.config import StreamOptions, StreamSettings
from segue_policies.methods.action_stream.instructions import padded
from segue_policies.methods.action_stream.method import METHODS, SERVED
from segue_policies.methods.action_stream.model import Prompt, StreamNet, build_network
from segue_policies.methods.action_stream.prompted_policy import OnBase
from segue_policies.methods.action_stream.units import prefix_bins, stream_units
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import check_guidance, check_served, not_finite, read_options

_SEEDS = 2**63


class StreamPolicy(OnBase):
    """Decodes a stream; an answer is a function of the request, whose seed decides what is drawn."""

    network, settings = build_network, StreamSettings
    capabilities = METHODS[0].capabilities

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder; raises as `SupervisedPolicy`."""
        super().__init__(deployment)
        config = inspect_checkpoint(deployment.folder(), deployment.method, deployment.expected)
        self._config = _settings(config, deployment)
        self._info = _served(config, self._config)

    def predict(self, request: PredictRequest) -> PredictResult:
        """The whole stream; raises as `stream`."""
        return list(self.stream(request))[-1]

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """The rows so far, after each action that is final.

        Raises:
            PolicyError: a sampling that is not served, an option, a wrong image, state or reference, an instruction
                with too many words, a stream that is not finite.
        """
        start = time.perf_counter()
        check_served(request, self._info.name, SERVED)
        read_options(request, NoOptions)
        omega = check_guidance(request, self._info)
        pixels, state = (torch.from_numpy(part)[None].to(self._device) for part in self._seen(request))
        measured = state if state.ndim == 2 else state[:, -1]
        rows: list[Tensor] = []
        for bins in self._units(request, pixels, state, measured):
            rows.append(self.network_of_streams.tokens.values(bins))
            chunk = self._chunk(torch.stack(rows, dim=1), measured, request)
            chunk = replace(chunk, omega=omega[: chunk.horizon], complete=chunk.horizon == self._info.horizon)
            yield PredictResult(chunk, time.perf_counter() - start)

    def _units(
        self, request: PredictRequest, pixels: Tensor, state: Tensor, measured: Tensor
    ) -> Iterator[Tensor]:
        net, generator = self.network_of_streams, torch.Generator().manual_seed(request.seed % _SEEDS)
        with torch.no_grad(), self._runtime.computing(self._device):
            prompt = self._prompt(pixels, state, request.instruction)
        units = stream_units(
            net, prompt, self._info.horizon, self._config.decoding, generator, self._forced(request, measured)
        )
        while True:
            with torch.no_grad(), self._runtime.computing(self._device):  # never open while nobody decodes
                unit = next(units, None)
            if unit is None:
                return
            yield unit

    def _prompt(self, pixels: Tensor, state: Tensor, instruction: str) -> Prompt:
        net = self.network_of_streams
        words = padded(net.spelt(instruction), self._config.longest, instruction)
        images = self._picture_encoder.encode(self._picture_encoder.normalise(pixels))
        ids = torch.from_numpy(words)[None].to(self._device)
        return net.prompt(images, self._normaliser.encode_state(state), ids)

    def _forced(self, request: PredictRequest, measured: Tensor) -> Tensor | None:
        """The actions that are executed until the answer comes, (1, n, K), where they are asked to be gone on from."""
        if request.sampling != TRAINING_TIME_RTC.name:
            return None
        count = int(np.cumprod(request.omega == 1).sum())
        rows, space = np.asarray(request.reference[:count], np.float32), self._info.action_space
        return prefix_bins(self.network_of_streams, self._normaliser, space, rows, measured)

    def _chunk(self, values: Tensor, measured: Tensor, request: PredictRequest) -> ActionChunk:
        actions = self._normaliser.decode_actions(values, measured)[0].cpu().numpy()
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions)
        rows = self._info.action_space.clip(actions).astype(np.float32)
        return ActionChunk(rows, request.start_tick, self._info.name, request.sequence)

    @property
    def network_of_streams(self) -> StreamNet:
        """What decodes."""
        return cast(StreamNet, self._net)

    @property
    def stream_settings(self) -> StreamSettings:
        """Of the checkpoint, decoded as the deployment says."""
        return self._config


def _settings(config: CheckpointConfig, deployment: Deployment) -> StreamSettings:
    """The checkpoint's, decoded as the deployment says; raises ConfigError for more actions than were trained."""
    given = {"method": config.method, "horizon": config.horizon, "history": config.history}
    options = parse_model(dict(deployment.options), StreamOptions, "policy_options")
    decoding = options.over(config.network.get("decoding", {}))
    return parse_model({**given, **config.network, "decoding": decoding}, StreamSettings, "policy_options")


def _served(config: CheckpointConfig, settings: StreamSettings) -> PolicyInfo:
    info = policy_info(config, METHODS[0].capabilities)
    units = settings.decoding.units or info.horizon
    return replace(info, horizon=units, max_delay=min(info.max_delay, units - 1))


def deployed_info(deployment: Deployment) -> PolicyInfo:
    """What a checkpoint serves; raises as `checkpoints.checkpoint.inspect_checkpoint`."""
    deployment.runtime.check()
    config = inspect_checkpoint(deployment.folder(), "action_stream", deployment.expected)
    return _served(config, _settings(config, deployment))
