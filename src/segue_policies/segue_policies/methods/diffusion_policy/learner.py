"""Diffusion Policy in the shared training loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from segue_policies.methods.diffusion_policy.config import DiffusionSettings
from segue_policies.methods.diffusion_policy.limits import in_blocks, with_limits
from segue_policies.methods.diffusion_policy.loss import noise_loss
from segue_policies.methods.diffusion_policy.model import DiffusionNet, build_network
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import Normaliser
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import seeded


class DiffusionLearner(SupervisedLearner[DiffusionSettings, DiffusionNet]):
    """The squared error of the noise."""

    def fit(self, part: ChunkDataset) -> Normaliser:
        """Ranges of the data, of actions as the settings say."""
        fitted, data = super().fit(part), part.data
        if self.config.actions == "absolute":
            fitted = replace(fitted, action_anchor=np.zeros_like(fitted.action_anchor))
        chunks = (part.chunks(frames)[:, : self.horizon] for frames in in_blocks(part.frames))
        return with_limits(fitted, chunks, np.asarray(data.state[part.frames]), data.action_space)

    def build(self) -> DiffusionNet:
        """Image encoders and the noise network of the settings."""
        return build_network(self.config, self.shape)

    def encoded(self, net: DiffusionNet, sample: Sample) -> Sample:
        """Observations (B, T, C) in the pictures' place."""
        return replace(sample, images=net.observe(sample.images, sample.state))

    def loss_of(self, net: DiffusionNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """The same noise and steps from the same generator, in training dropout, too; a scalar."""
        if not net.training:
            return noise_loss(net, sample, generator)
        with seeded(generator):
            return noise_loss(net, sample, generator)

    def sample(self, net: DiffusionNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks (B, H, D) as the policy draws them."""
        shape, device = sample.actions.shape, sample.images.device
        return net.sample(sample.images, lambda: torch.randn(shape, generator=generator).to(device))

    def describe(self) -> Description:
        """A chunk of some denoising steps."""
        diffusion = self.config.diffusion
        drawn = f"{diffusion.sampler.upper()}, {diffusion.steps} of {diffusion.train_steps} steps"
        chunk = f"horizon {self.horizon} at {self.data.rate_hz:g} Hz, {drawn}"
        title, sampled = "Diffusion Policy", f"chunks drawn by {drawn}"
        return Description(self.config.own(), title, chunk, sampled, diffusion.steps)
