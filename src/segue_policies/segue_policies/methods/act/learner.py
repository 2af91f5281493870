"""ACT in the shared training loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_policies.checkpoints.provenance import pretrained
from segue_policies.methods.act.build import build_network, map_stage
from segue_policies.methods.act.config import ActConfig
from segue_policies.methods.act.loss import divergence, reconstruction
from segue_policies.methods.act.model import ActNet
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import IMAGENET_MEAN, Normaliser, fit_absolute
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.lora import add_adapters, without_adapters
from segue_policies.training.seeds import seeded
from segue_policies.vision.config import Given

KEYFRAME, FOLLOWS = "act_keyframe", "act_keyframe_follows"


class ActLearner(SupervisedLearner[ActConfig, ActNet]):
    """A conditional VAE: the chunk's error and its style's distance from the prior."""

    encoder_part = "backbone."

    def fit(self, part: ChunkDataset) -> Normaliser:
        """That of the settings `actions` and `image_statistics`."""
        config, data, frames = self.config, part.data, statistics_frames(part)
        if config.actions == "anchored":
            fitted = super().fit(part)
        else:
            images = np.asarray(data.images[frames])
            fitted = fit_absolute(data.action[frames], config.horizon, data.state[frames], images)
        if config.image_statistics == "data":
            return fitted
        mean = np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1))
        return replace(fitted, image_mean=mean)

    def build(self) -> ActNet:
        """A network around a fresh or a pretrained trunk."""
        config, trunk = self.config, None
        self._base = (
            pretrained(Path(config.backbone_weights)) if config.backbone_weights is not None else None
        )
        if config.network.backbone == "transformers" and config.backbone_weights is not None:
            trunk = VisionTrunk.from_folder(Path(config.backbone_weights))
            network = config.network.model_copy(update={"backbone_config": trunk.config})
            self.config = config.model_copy(update={"network": network})
        shape = (self.shape.horizon, self.shape.dim)
        stage = map_stage(Given(self.shape.channels, self.shape.image_size))
        net = build_network(self.config.network, self.shape.state, shape, stage or trunk)
        if config.backbone_weights is not None and isinstance(net.backbone, ResNet):
            load_weights(net.backbone, Path(config.backbone_weights))
        return net

    def begun(self) -> None:
        """Adapters come after the weights that they adapt."""
        if self.config.lora is not None:
            add_adapters(self.model.backbone, self.config.lora)

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """With the setting `keyframe` the action (F, D) of the next one, and whether there is one (F,)."""
        if not self.config.network.keyframe:
            return {}
        data = self.data
        following = np.asarray(data.label("keyframes", **self.config.keyframes)["next_keyframe"])
        episode = np.asarray(data.episode)
        frames = np.searchsorted(episode, episode) + np.maximum(following, 0)
        return {KEYFRAME: np.asarray(data.action)[frames], FOLLOWS: following >= 0}

    def encoded(self, net: ActNet, sample: Sample) -> Sample:
        """The sample, its chunk with the keyframe behind it where the network predicts one."""
        if not self.config.network.keyframe:
            return sample
        keyframe = self.normaliser.encode_actions(sample.columns[KEYFRAME][:, None], sample.state)
        real = torch.cat([sample.real, sample.columns[FOLLOWS][:, None]], dim=1)
        return replace(sample, actions=torch.cat([sample.actions, keyframe], dim=1), real=real)

    def sample(self, net: ActNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks of the mean style, without the keyframe."""
        return super().sample(net, sample, generator)[:, : self.horizon]

    def loss_of(self, net: ActNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Absolute error and beta times the divergence, in training with dropout and a style that is drawn.

        A scalar; an evaluation has the posterior's mean.
        """
        state = sample.state
        if not net.training:
            return self._loss(net, sample, state.new_zeros(len(state), net.latent))
        noise = torch.randn(len(state), net.latent, generator=generator).to(state)
        with seeded(generator):
            return self._loss(net, sample, noise)

    def _loss(self, net: ActNet, sample: Sample, noise: Tensor) -> Tensor:
        """`noise` (B, Z) draws the style."""
        images, state, actions, real = sample.images, sample.state, sample.actions, sample.real
        if net.style_encoder is None:
            return reconstruction(net(images, state), actions, real)
        style = net.style_encoder(state, actions, real)
        error = reconstruction(net(images, state, style.sample(noise)), actions, real)
        return error + self.config.kl_weight * divergence(style)

    def kept(self, net: ActNet) -> nn.Module:
        """All of it, adapters added to their matrices."""
        return without_adapters(net)

    def describe(self) -> Description:
        """A chunk of the mean style."""
        chunk = f"horizon {self.horizon} at {self.data.rate_hz:g} Hz"
        network = self.config.network.model_dump(mode="json")
        return Description(network, "ACT", chunk, "chunks of the mean style z = 0", base=self._base)
