"""A trained progress estimator at work."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.observation import Observation
from segue_core.progress.estimator import EstimatorInfo
from segue_policies.checkpoints.checkpoint import CONFIG, load_checkpoint
from segue_policies.checkpoints.filled_network import filled_network
from segue_policies.deployment import Deployment
from segue_policies.methods.progress_vla.build import build_network
from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.methods.progress_vla.info import info_of
from segue_policies.networks.words import word_rows
from segue_policies.request_checks import stacked_images
from segue_policies.vision.config import Given, given_by
from segue_policies.vision.picture_encoder import trained_encoder


class TrainedEstimator:
    """A checkpoint behind `segue_core.progress.estimator.ProgressEstimator`; the first pictures are looked at once.

    Attributes:
        settings: what the checkpoint says of its network.
        language: how words become rows.
        net: from first pictures, present ones and words to progress.
        picture_encoder: what stands before it.
    """

    settings: ClassVar[type[StrictModel]] = NetworkConfig
    language: NetworkConfig

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder.

        Raises:
            PolicyError: the checkpoint is missing, corrupt or not what is expected. ConfigError: no such device.
        """
        folder, self._device = deployment.folder(), deployment.runtime.prepare()
        checkpoint = load_checkpoint(folder, deployment.method, deployment.expected)
        config, self._runtime = checkpoint.config, deployment.runtime
        self._info = info_of(config, folder)
        given = given_by(config.encoder, config.image_size)

        try:
            settings = parse_model(config.network, type(self).settings, "network")
            build = partial(self.build, settings, given, len(config.cameras))
            self.net = filled_network(build, checkpoint.weights).to(self._device)
        except (SegueError, RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / CONFIG}: {error}") from error
        self.picture_encoder = trained_encoder(config.encoder, checkpoint.normaliser, folder).to(self._device)
        self.begin("")

    def build(self, settings: StrictModel, given: Given, cameras: int) -> nn.Module:
        """A network from first pictures, present ones and words to progress, as `ProgressNet`."""
        assert isinstance(settings, NetworkConfig)
        self.language = settings
        return build_network(settings, given, cameras)

    @property
    def info(self) -> EstimatorInfo:
        """What this checkpoint needs and is worth."""
        return self._info

    def begin(self, instruction: str) -> None:
        """Forget the first pictures of the task before."""
        rows = word_rows(instruction, self.language.longest, self.language.word_buckets)
        self._words = torch.from_numpy(rows)[None].to(self._device)
        self._first: Tensor | None = None

    @torch.inference_mode()
    def estimate(self, observation: Observation) -> float:
        """Fraction in [0, 1]; raises PolicyError for a picture that is missing or of another size, or no number."""
        pictures = stacked_images(observation, self._info.cameras, self._info.image_size)
        with self._runtime.computing(self._device):
            now = self._looked_at(pictures)
            self._first = now if self._first is None else self._first
            progress = float(self.net(self._first, now, self._words)[0])
        if not np.isfinite(progress):
            text = f"{self._info.name}: the estimate is not finite"
            raise PolicyError(ErrorCode.POLICY_NOT_FINITE, text, got=progress, expected="a number in [0, 1]")
        return progress

    def _looked_at(self, pictures: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(pictures)[None].to(self._device)
        return self.picture_encoder.encode(self.picture_encoder.normalise(pixels))
