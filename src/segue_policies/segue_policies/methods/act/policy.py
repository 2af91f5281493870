"""A trained ACT checkpoint behind the policy protocol."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.checkpoints.checkpoint import CONFIG, Checkpoint, load_checkpoint
from segue_policies.checkpoints.filled_network import filled_network
from segue_policies.deployment import Deployment
from segue_policies.methods.act.build import build_network, map_stage
from segue_policies.methods.act.config import NetworkConfig
from segue_policies.methods.act.model import ActNet
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import check_observation, check_plain, not_finite
from segue_policies.runtime import Runtime
from segue_policies.samples.normaliser import Normaliser
from segue_policies.vision.config import given_by
from segue_policies.vision.picture_encoder import PictureEncoder, Pixels, trained_encoder


class ActPolicy:
    """The chunk of the mean style z = 0: a function of the observation alone, without noise or memory."""

    def __init__(
        self,
        info: PolicyInfo,
        net: ActNet,
        normaliser: Normaliser,
        state_dim: int,
        runtime: Runtime | None = None,
        picture_encoder: PictureEncoder | None = None,
    ) -> None:
        """Without `picture_encoder` the network is given pixels."""
        self._info, self._normaliser, self._state_dim = info, normaliser, state_dim
        self._net, self._runtime = net, runtime or Runtime()
        self._device = next(net.parameters()).device
        self._picture_encoder = picture_encoder or Pixels(normaliser)

    @classmethod
    def deployed(cls, deployment: Deployment) -> ActPolicy:
        """Read a checkpoint folder.

        Raises:
            PolicyError: the checkpoint is missing, corrupt or not what is expected. ConfigError: no such device.
        """
        folder, device = deployment.folder(), deployment.runtime.prepare()
        checkpoint = load_checkpoint(folder, "act", deployment.expected)
        info, state_dim = policy_info(checkpoint.config), checkpoint.config.state_dim
        net = _network(folder, checkpoint).to(device)
        picture_encoder = trained_encoder(checkpoint.config.encoder, checkpoint.normaliser, folder).to(device)
        return cls(info, net, checkpoint.normaliser, state_dim, deployment.runtime, picture_encoder)

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._info

    def reset(self) -> None:
        """Nothing is kept between requests."""

    @torch.inference_mode()
    def predict(self, request: PredictRequest) -> PredictResult:
        """One chunk; only the sampling `plain`, how it continues the last one is the scheduler's work.

        Raises:
            PolicyError: another sampling, an option, a missing or wrong image or state, or a chunk that is not finite.
        """
        start = time.perf_counter()
        check_plain(request, self._info.name)
        pixels, measured = check_observation(request.observation, self._info, self._state_dim)
        state = torch.from_numpy(measured)[None].to(self._device)
        shown = self._picture_encoder.normalise(torch.from_numpy(pixels)[None].to(self._device))
        with self._runtime.computing(self._device):
            images = self._picture_encoder.encode(shown)
            predicted = self._net(images, self._normaliser.encode_state(state)).float()
        predicted = predicted[:, : self._info.horizon]  # without a keyframe behind them
        actions = self._normaliser.decode_actions(predicted, state)[0].cpu().numpy()
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions)
        rows = self._info.action_space.clip(actions).astype(np.float32)
        omega = np.zeros(self._info.horizon, dtype=np.float32)
        chunk = ActionChunk(rows, request.start_tick, self._info.name, request.sequence, omega=omega)
        return PredictResult(chunk, time.perf_counter() - start)


def _network(folder: Path, checkpoint: Checkpoint) -> ActNet:
    config = checkpoint.config
    try:
        settings = parse_model(config.network, NetworkConfig, "network")
        given = given_by(config.encoder, config.image_size)
        shape = (config.horizon, config.space().dim)

        def build() -> ActNet:
            return build_network(settings, config.state_dim, shape, map_stage(given))

        return filled_network(build, checkpoint.weights)
    except (SegueError, RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / CONFIG}: {error}") from error
