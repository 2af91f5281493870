"""ACT in the shared training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue_policies.act.build import build_network, map_stage
from segue_policies.act.config import ActConfig
from segue_policies.act.loss import divergence, reconstruction
from segue_policies.act.model import IMAGENET_MEAN, ActNet
from segue_policies.checkpoints.card import Card
from segue_policies.checkpoints.checkpoint import Expected, load_checkpoint, save_checkpoint
from segue_policies.checkpoints.provenance import provenance
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.samples.batches import Batch
from segue_policies.samples.demonstrations import ChunkDataset, Demonstrations, check_demonstrations, split
from segue_policies.samples.normaliser import Normaliser, fit_absolute, fit_normaliser
from segue_policies.training.chunk_error import chunk_errors
from segue_policies.training.lora import add_adapters, without_adapters
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, numpy_rng, seeded, torch_rng
from segue_policies.training.warm_start import take_weights
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import sight_of, size_of

EVALUATION_BATCH = 64
STATISTICS_FRAMES = 4000


class ActLearner:
    """Network, normaliser and data of one training run."""

    def __init__(self, config: ActConfig, data: Demonstrations) -> None:
        """Split the data, fit the normaliser on the training part, build a network from the seed.

        With `training.init` weights and normaliser are those of that checkpoint instead.
        """
        check_demonstrations(data)
        self.config: ActConfig = config
        self.data = data
        training = config.training
        self.part, self.held_out = split(
            data, config.horizon, training.validation_share, training.seed, training.split
        )
        self.normaliser = _fit(self.part, config)
        self.image_size = size_of(data)
        torch.manual_seed(int(torch_rng(training.seed, RandomStream.INITIALISE).initial_seed()))
        shape = (config.horizon, data.action_space.dim)
        trunk = None
        if config.network.backbone == "transformers" and config.backbone_weights is not None:
            trunk = VisionTrunk.from_folder(Path(config.backbone_weights))
            network = config.network.model_copy(update={"backbone_config": trunk.config})
            self.config = config.model_copy(update={"network": network})
        given = given_by(config.encoder, self.image_size)
        stage = map_stage(given)
        self.model = build_network(self.config.network, data.state.shape[1], shape, stage or trunk)
        if config.backbone_weights is not None and isinstance(self.model.backbone, ResNet):
            load_weights(self.model.backbone, Path(config.backbone_weights))
        self._begun = self._start_from(Path(training.init)) if training.init is not None else ""
        self.sight = sight_of(config, data, self.normaliser)
        self.part, self.held_out = self.sight.part(self.part), self.sight.part(self.held_out)
        if config.lora is not None:
            add_adapters(self.model.backbone, config.lora)

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Shuffled training batches with shifted images."""
        return self.sight.source(self.part).stream(first_step)

    def loss(self, batch: Batch, step: int) -> Tensor:
        """Absolute error and beta times the divergence, on augmented samples, with dropout; a scalar."""
        training = self.config.training
        generator = torch_rng(training.seed, RandomStream.LOSS, my_share().own(step))
        batch = batch.to(self.model.queries.device)
        images = self.sight.augmented(batch.images, generator)
        state = self.normaliser.encode_state(batch.state)
        state = state + training.state_noise * torch.randn(state.shape, generator=generator).to(state)
        noise = torch.randn(len(state), self.model.latent, generator=generator).to(state)
        with seeded(generator):
            return self._loss(self.model, images, state, batch, noise)

    def _loss(self, net: ActNet, images: Tensor, state: Tensor, batch: Batch, noise: Tensor) -> Tensor:
        """Loss of normalised images and states; `noise` (B, Z) draws the style."""
        actions = self.normaliser.encode_actions(batch.actions, batch.state)
        if net.style_encoder is None:
            return reconstruction(net(images, state), actions, batch.real)
        style = net.style_encoder(state, actions, batch.real)
        error = reconstruction(net(images, state, style.sample(noise)), actions, batch.real)
        return error + self.config.kl_weight * divergence(style)

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """On held-out episodes: the loss with the posterior's mean, and errors of chunks of z = 0."""
        assert isinstance(model, ActNet)
        chosen = numpy_rng(self.config.training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        chosen = np.sort(chosen[: self.config.training.validation_frames])
        losses, predicted, actual = [], [], []
        for first in range(0, len(chosen), EVALUATION_BATCH):
            batch = self.sight.read(self.held_out, chosen[first : first + EVALUATION_BATCH])
            batch = batch.to(model.queries.device)
            images = self.sight.plain(batch.images)
            state = self.normaliser.encode_state(batch.state)
            noise = state.new_zeros(len(state), model.latent)
            losses.append(float(self._loss(model, images, state, batch, noise)) * len(batch))
            predicted.append(self.normaliser.decode_actions(model(images, state), batch.state))
            actual.append(batch.actions)
        rows = torch.cat(predicted).cpu().numpy(), torch.cat(actual).cpu().numpy()
        errors = chunk_errors(*rows, self.data.action_space)
        return {"validation_loss": sum(losses) / len(chosen), **errors}

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint with a README that says how it was made."""
        space, config = self.data.action_space, self.config
        described = {
            "method": config.method,
            "action_space": space.to_dict(),
            "fingerprint": space.fingerprint(),
            "horizon": config.horizon,
            "num_steps": 1,
            "cameras": self.data.cameras,
            "image_size": self.image_size,
            "state_dim": self.data.state.shape[1],
            "max_delay": 0,
            "max_ramp": 0,
            "network": config.network.model_dump(mode="json"),
            **self.sight.described(),
            "provenance": provenance(
                self.part, None, config.training, self._begun, summary["step"], self.sight.digest
            ).model_dump(mode="json"),
        }
        plain = without_adapters(model)
        weights = {name: tensor.cpu().numpy() for name, tensor in plain.state_dict().items()}
        chunk = f"horizon {config.horizon} at {self.data.rate_hz:g} Hz"
        card = Card("ACT", chunk, "chunks of the mean style z = 0", config, config.training)
        readme = card.text(self.part, self.held_out, model, summary)
        save_checkpoint(folder, described, self.normaliser, weights, readme)

    def _start_from(self, folder: Path) -> str:
        """Take weights and normaliser; returns the digest of the weights."""
        base = load_checkpoint(folder, "act", Expected(action_space=self.data.action_space))
        take_weights(self.model, base.weights, folder)
        self.normaliser = base.normaliser
        return base.config.weights_sha256


def _fit(part: ChunkDataset, config: ActConfig) -> Normaliser:
    data = part.data
    thinned = part.frames[:: max(1, len(part.frames) // STATISTICS_FRAMES)]
    state, images = data.state[thinned], np.asarray(data.images[thinned])
    if config.actions == "anchored":
        fitted = fit_normaliser(part.chunks(thinned), state, images, data.action_space)
    else:
        fitted = fit_absolute(data.action[thinned], config.horizon, state, images)
    if config.image_statistics == "data":
        return fitted
    return replace(fitted, image_mean=np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1)))
