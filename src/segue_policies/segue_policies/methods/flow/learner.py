"""A flow policy, whatever its variant, in the shared training loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.checkpoint import method_of
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import FlowSettings
from segue_policies.methods.flow.loss import correction_loss, flow_loss, regression_loss
from segue_policies.methods.flow.model import ExpectedChunk, FlowNet, Training
from segue_policies.methods.flow.path import sample_plain
from segue_policies.methods.flow.variant import Variant
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.networks.encoders import ObservationEncoder
from segue_policies.samples.batches import Batch, BatchSource
from segue_policies.samples.corrections import Corrections, CorrectionSource, check_corrections
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.frozen_views import encode_views, kept_views, pick_view
from segue_policies.training.precision import Chosen, autocast
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, torch_rng


class FlowLearner(SupervisedLearner[FlowSettings, Training]):
    """One network and loop; the variant says what is drawn, weighed and conditioned on."""

    evaluation_batch = 128

    @property
    def variant(self) -> Variant:
        """That of the settings' `method`."""
        return VARIANTS[self.config.method]

    @property
    def horizon(self) -> int:
        """Rows H of a chunk."""
        return self.config.flow.horizon

    @property
    def rows(self) -> int:
        """The horizon, and what the variant looks ahead."""
        return self.horizon + self.variant.lookahead(self.config.flow)

    def build(self) -> Training:
        """The policy's network, and the regression that teaches its encoder."""
        shape, network, flow = self.shape, self.config.network, self.config.flow
        self.variant.check(network, shape.state, shape.dim)
        chunk = (shape.horizon, shape.dim)
        sizes = (shape.image_size, shape.state, chunk, flow.num_steps, shape.channels)
        net = build_network(network, shape.cameras, *sizes)
        return Training(net, ExpectedChunk(network.condition_width, network.head_width, *chunk))

    def begun(self) -> None:
        """Freeze the image encoders where that is asked for, and encode every picture."""
        _check_frozen(self.config)
        self._dim_weights = self._weights()
        self._frozen = self.config.training.frozen_views > 0
        self._embedded = self._freeze(self.data.images) if self._frozen else None
        self._corrections = self._source(self.corrections) if self.corrections else None

    def source(self) -> BatchSource:
        """With frozen encoders the batches have views in the pictures' place."""
        return self.sight.source(self.part, self._embedded)

    def pairs(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The variant's: its state may be ahead of its pictures."""
        state, actions = self.variant.pairs(batch.state, batch.actions, self.config.flow, generator)
        return replace(batch, state=state, actions=actions)

    def shown(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """One of the views (B, E) that stand for a picture, where encoders are frozen."""
        return pick_view(images, generator) if self._frozen else super().shown(images, generator)

    def encoded(self, net: Training, sample: Sample) -> Sample:
        """Pictures become embeddings (B, E); views are such."""
        if sample.images.dim() == 2:
            return sample
        return replace(sample, images=_encoder(net).embed(sample.images))

    def loss(self, batch: Batch, number: int) -> Tensor:
        """The variant's on demonstrations, and on corrections when there are some; a scalar."""
        generator = self.randomness(number)
        loss = self.training_loss(batch, generator)
        if self._corrections is None:
            return loss
        return loss + self._correction_loss(self._corrections, my_share().own(number), generator)

    def loss_of(self, net: Training, sample: Sample, generator: torch.Generator) -> Tensor:
        """The variant's, and in training the plain regression beside it; a scalar."""
        flow, weights = self.config.flow, self._dim_weights
        observed = _observed(net, sample)
        loss = flow_loss(self.variant, net.net, observed, sample.actions, flow, weights, generator)
        if not net.training:
            return loss
        return loss + flow.regression_weight * regression_loss(
            net.expected(observed), sample.actions, weights
        )

    def sample(self, net: Training, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks (B, H, D) without guidance."""
        observed = _observed(net, sample)
        noise = torch.randn(sample.actions.shape, generator=generator).to(observed.device)
        return sample_plain(self.variant.bind(net.net, observed), noise, self.config.flow.num_steps)

    def kept(self, net: Training) -> FlowNet:
        """Without the regression."""
        return net.net

    def describe(self) -> Description:
        """A chunk of N steps."""
        flow = self.config.flow
        max_delay, max_ramp = self.variant.trained_lengths(flow)
        return Description(
            self.config.network.model_dump(mode="json"),
            self.config.method,
            f"horizon {flow.horizon} at {self.data.rate_hz:g} Hz, N = {flow.num_steps}",
            "chunks sampled without guidance",
            flow.num_steps,
            max_delay,
            max_ramp,
        )

    def base_method(self, folder: Path) -> str:
        """A checkpoint of any variant: the network is the same."""
        return method_of(folder)

    def _see(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Embeddings (B, E) of pictures (B, cameras, h, w, 3) in a light that is drawn."""
        shown = super().shown(images.to(self.device), generator)
        return _encoder(self.model).embed(shown)

    def _freeze(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        _encoder(self.model).encoders.requires_grad_(False)
        training = self.config.training
        generator = torch_rng(training.seed, RandomStream.VIEWS)
        # `auto` may choose otherwise when the run is resumed
        precision: Chosen = "bfloat16" if training.precision == "bfloat16" else "float32"

        def make() -> NDArray[np.float16]:
            with autocast(precision):
                return encode_views(images, training.frozen_views, self._see, generator)

        light = (training.frozen_views, training.brightness, training.colour, training.seed, precision)
        folder = Path(training.kept_views) if training.kept_views else None
        return kept_views(folder, f"{self.origin}{''.join(self.parts.values())} {light}", images, make)

    def _source(self, corrections: Corrections) -> CorrectionSource:
        training = self.config.training
        check_corrections(corrections, self.data, self.horizon)
        size = max(1, round(training.correction_share * training.part_size / my_share().count))
        seen = self.sight.encoded(corrections.images)
        embedded = self._freeze(corrections.images) if self._frozen else seen
        return CorrectionSource(corrections, size, training.seed, embedded)

    def _correction_loss(self, source: CorrectionSource, number: int, generator: torch.Generator) -> Tensor:
        flow, training = self.config.flow, self.config.training
        delay = min(flow.max_delay, source.delay)
        bounds = {"max_delay": delay, "max_ramp": min(flow.max_ramp, source.known - delay), "free_share": 0.0}
        batch = source.batch(number)
        images, state, actions, reference = (
            x.to(self.device) for x in (batch.images, batch.state, batch.actions, batch.reference)
        )
        shown, normal = self.shown(images, generator), self.normaliser.encode_state(state)
        noise = torch.randn(normal.shape, generator=generator).to(normal)
        clean = self.normaliser.encode_actions(actions, state)
        sample = Sample(shown, normal + training.state_noise * noise, clean, clean.new_ones(clean.shape[:2]))
        loss = correction_loss(
            self.variant,
            self.model.net,
            _observed(self.model, self.encoded(self.model, sample)),
            clean,
            self.normaliser.encode_actions(reference, state),
            flow.model_copy(update=bounds),
            self._dim_weights,
            generator,
        )
        return training.correction_share * loss

    def _weights(self) -> Tensor:
        space = self.data.action_space
        weights = torch.ones(space.dim)
        for name, weight in self.config.flow.channel_weights.items():
            weights[space.slice(name)] = weight
        return weights


def _encoder(model: nn.Module) -> ObservationEncoder:
    """The image encoder of what is trained."""
    assert isinstance(model, Training) and isinstance(model.net.encoder, ObservationEncoder)
    return model.net.encoder


def _observed(net: Training, sample: Sample) -> Tensor:
    """The embedding (B, C) of an encoded sample."""
    return _encoder(net).join(sample.images.to(sample.state), sample.state)


def _check_frozen(config: FlowSettings) -> None:
    training = config.training
    if training.frozen_views and config.encoder.frozen:
        text = "training.frozen_views freezes encoders that encoder.trunk has frozen already"
        do = "leave training.frozen_views out: the views of a trunk are encoder.views"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=config.encoder.trunk, do=do)
    if training.frozen_views and (training.init is None or training.shift_pixels):
        got = f"init {training.init}, shift_pixels {training.shift_pixels}"
        expected = "a checkpoint in training.init, and shift_pixels 0: a frozen picture is not shifted anew"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "training.frozen_views", got=got, expected=expected)
