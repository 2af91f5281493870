"""A trained flow checkpoint, whatever its variant, behind the policy protocol."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.checkpoints.checkpoint import CONFIG, Checkpoint, load_checkpoint, method_of
from segue_policies.checkpoints.filled_network import filled_network
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import NetworkConfig
from segue_policies.methods.flow.method import serves
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.scene import Scene, TrainedNetwork
from segue_policies.methods.flow.variants import ANSWERS, VARIANTS
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import check_guidance, check_observation, check_served, not_finite
from segue_policies.runtime import Runtime
from segue_policies.vision.config import given_by
from segue_policies.vision.picture_encoder import trained_encoder


class FlowPolicy:
    """Samples chunks; deterministic in the request, keeps nothing between requests."""

    def __init__(
        self, info: PolicyInfo, trained: TrainedNetwork, state_dim: int, runtime: Runtime | None = None
    ) -> None:
        """`info.name` is the variant, which decides the samplings that are served."""
        self._info = info
        self._trained = trained
        self._state_dim = state_dim
        self._runtime = runtime or Runtime()
        self._served = {name: ANSWERS[name] for name in serves(info.name)}

    @classmethod
    def deployed(cls, deployment: Deployment) -> FlowPolicy:
        """Read a checkpoint folder, of any variant.

        Raises:
            PolicyError: the checkpoint is missing, corrupt or not what is expected. ConfigError: no such device.
        """
        folder, device = deployment.folder(), deployment.runtime.prepare()
        checkpoint = load_checkpoint(folder, deployment.method or method_of(folder), deployment.expected)
        config = checkpoint.config
        info = policy_info(config, find_method(config.method).capabilities)
        trained = TrainedNetwork(
            _network(folder, checkpoint).to(device),
            VARIANTS[config.method],
            checkpoint.normaliser,
            info.action_space,
            config.horizon,
            trained_encoder(config.encoder, checkpoint.normaliser, folder).to(device),
        )
        return cls(info, trained, config.state_dim, deployment.runtime)

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._info

    def reset(self) -> None:
        """Nothing is kept between requests."""

    @torch.no_grad()  # not inference mode: `rtc` differentiates the velocity
    def predict(self, request: PredictRequest) -> PredictResult:
        """Sample one chunk by the `sampling` of the request (`variants.ANSWERS`); `plain` ignores reference and omega.

        Raises:
            PolicyError: unsupported sampling, missing or wrong image or state, omega or reference of the wrong shape,
                not finite or out of range, an unknown option, or a chunk that is not finite.
        """
        start = time.perf_counter()
        check_served(request, self._info.name, self._served)
        omega = check_guidance(request, self._info)
        images, state = check_observation(request.observation, self._info, self._state_dim)
        with self._runtime.computing(self._trained.device):
            scene = Scene(self._trained, images, state, request.seed)
            actions = self._served[request.sampling](scene, request)
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions)
        rows = self._info.action_space.clip(actions).astype(np.float32)
        chunk = ActionChunk(rows, request.start_tick, self._info.name, request.sequence, omega=omega)
        return PredictResult(chunk, time.perf_counter() - start)


def _network(folder: Path, checkpoint: Checkpoint) -> FlowNet:
    config = checkpoint.config
    shape = (config.horizon, config.space().dim)
    try:
        settings = parse_model(config.network, NetworkConfig, "network")
        given = given_by(config.encoder, config.image_size)
        build = partial(
            build_network,
            settings,
            config.cameras,
            given.size,
            config.state_dim,
            shape,
            config.num_steps,
            given.channels,
        )
        return filled_network(build, checkpoint.weights)
    except (SegueError, RuntimeError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / CONFIG}: {error}") from error
