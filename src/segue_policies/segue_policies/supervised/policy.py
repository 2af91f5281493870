"""A trained network behind the policy protocol: of one forward pass, or of whatever `chunk` makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.checkpoints.checkpoint import CONFIG, Checkpoint, load_checkpoint
from segue_policies.checkpoints.filled_network import filled_network
from segue_policies.deployment import Deployment
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import check_guidance, check_observation, check_plain, not_finite
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.vision.config import given_by
from segue_policies.vision.picture_encoder import trained_encoder


@dataclass(frozen=True, eq=False)
class Seen:
    """One request's observations.

    Args:
        images, state: what the network is given, a batch of one.
        measured: (1, S), the newest state in physical units, which the normaliser measures actions from.
    """

    images: Tensor
    state: Tensor
    measured: Tensor


class SupervisedPolicy:
    """A method says its `network` and its `settings`, as for its learner.

    As it stands it is a function of the observations alone. One that draws its chunks, or is guided, replaces `check`
    and `chunk`, and has `capabilities`.
    """

    network: ClassVar[Callable[[Any, Shape], nn.Module]]
    settings: ClassVar[type[ChunkConfig]]
    capabilities: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder.

        Raises:
            PolicyError: the checkpoint is missing, corrupt or not what is expected. ConfigError: no such device.
        """
        folder, self._device = deployment.folder(), deployment.runtime.prepare()
        checkpoint = load_checkpoint(folder, deployment.method, deployment.expected)
        self._info = policy_info(checkpoint.config, type(self).capabilities)
        self._state_dim = checkpoint.config.state_dim
        self._normaliser, self._runtime = checkpoint.normaliser, deployment.runtime
        self._net = self._filled(folder, checkpoint).to(self._device)
        self._picture_encoder = trained_encoder(checkpoint.config.encoder, self._normaliser, folder).to(
            self._device
        )

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._info

    def reset(self) -> None:
        """Nothing is kept between requests."""

    def check(self, request: PredictRequest) -> None:
        """Refuse what cannot be answered, before anything is computed; raises PolicyError."""
        check_plain(request, self._info.name)

    def chunk(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Normalised rows `(1, H, D)`."""
        rows: Tensor = self._net(seen.images, seen.state)
        return rows

    @torch.no_grad()  # not inference mode: guidance differentiates a network
    def predict(self, request: PredictRequest) -> PredictResult:
        """One chunk.

        Raises:
            PolicyError: a sampling that is not served, a missing or wrong image or state, a wrong omega or reference,
                an unknown option, or a chunk that is not finite.
        """
        start = time.perf_counter()
        self.check(request)
        omega = check_guidance(request, self._info)
        pixels, state = (torch.from_numpy(part)[None].to(self._device) for part in self._seen(request))
        measured = state if state.ndim == 2 else state[:, -1]
        with self._runtime.computing(self._device):
            images = self._picture_encoder.encode(self._picture_encoder.normalise(pixels))
            seen = Seen(images, self._normaliser.encode_state(state), measured)
            predicted = self.chunk(seen, request).float()
        actions = self._normaliser.decode_actions(predicted, measured)[0].cpu().numpy()
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions)
        rows = self._info.action_space.clip(actions).astype(np.float32)
        omega = omega[: len(rows)]
        chunk = ActionChunk(rows, request.start_tick, self._info.name, request.sequence, omega=omega)
        return PredictResult(chunk, time.perf_counter() - start)

    def _seen(self, request: PredictRequest) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Images (cameras, h, w, 3) and state (S,); with a history (T, ...), newest last."""
        seen = [check_observation(each, self._info, self._state_dim) for each in request.observations]
        if len(seen) == 1:
            return seen[0]
        return np.stack([images for images, _ in seen]), np.stack([state for _, state in seen])

    def _filled(self, folder: Path, checkpoint: Checkpoint) -> nn.Module:
        config = checkpoint.config
        seen, dim, times = (
            given_by(config.encoder, config.image_size),
            config.space().dim,
            len(config.history),
        )
        shape = Shape(config.cameras, seen.size, config.state_dim, config.horizon, dim, times, seen.channels)
        given = {"method": config.method, "horizon": config.horizon, "history": config.history}
        given |= config.network
        try:
            settings = parse_model(given, type(self).settings, "network")
            return filled_network(partial(type(self).network, settings, shape), checkpoint.weights)
        except (SegueError, RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / CONFIG}: {error}") from error
