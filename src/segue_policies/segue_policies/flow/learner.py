"""A flow policy, whatever its variant, in the shared training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.checkpoint import Expected, load_checkpoint, method_of, save_checkpoint
from segue_policies.checkpoints.provenance import provenance
from segue_policies.flow.build import build_network
from segue_policies.flow.config import FlowSettings
from segue_policies.flow.loss import correction_loss, flow_loss, regression_loss
from segue_policies.flow.model import ExpectedChunk, FlowNet, Training
from segue_policies.flow.path import sample_plain
from segue_policies.flow.readme import checkpoint_readme
from segue_policies.flow.variants import VARIANTS
from segue_policies.networks.encoders import ObservationEncoder
from segue_policies.samples.batches import Batch
from segue_policies.samples.corrections import Corrections, CorrectionSource, check_corrections
from segue_policies.samples.demonstrations import ChunkDataset, Demonstrations, check_demonstrations, split
from segue_policies.samples.normaliser import Normaliser, fit_normaliser
from segue_policies.training.chunk_error import chunk_errors
from segue_policies.training.frozen_views import encode_views, kept_views, pick_view
from segue_policies.training.precision import Chosen, autocast
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, numpy_rng, torch_rng
from segue_policies.training.warm_start import take_weights
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import sight_of, size_of

EVALUATION_BATCH = 128
STATISTICS_FRAMES = 4000


class FlowLearner:
    """Network, normaliser and data of one training run."""

    def __init__(
        self, config: FlowSettings, data: Demonstrations, corrections: Corrections | None = None
    ) -> None:
        """Split the data, fit the normaliser on the training part, build a fresh network from the seed.

        With `training.init` weights and normaliser are those of that checkpoint instead: its weights mean its units.
        """
        check_demonstrations(data)
        self.config, self.data = config, data
        training = config.training
        self.variant = VARIANTS[config.method]
        rows = config.flow.horizon + self.variant.lookahead(config.flow)
        self.part, self.held_out = split(data, rows, training.validation_share, training.seed, training.split)
        self.normaliser = _fit(self.part, config.flow.horizon)
        torch.manual_seed(int(torch_rng(training.seed, RandomStream.INITIALISE).initial_seed()))
        self.image_size = size_of(data)
        given = given_by(config.encoder, self.image_size)
        chunk_shape, network = (config.flow.horizon, data.action_space.dim), config.network
        state, steps = data.state.shape[1], config.flow.num_steps
        net = build_network(network, data.cameras, given.size, state, chunk_shape, steps, given.channels)
        self.model = Training(net, ExpectedChunk(network.condition_width, network.head_width, *chunk_shape))
        self._dim_weights = _dim_weights(config, data)
        self.variant.check(network, data.state.shape[1], data.action_space.dim)
        self._begun = self._start_from(Path(training.init)) if training.init is not None else ""
        _check_frozen(config)
        self.sight = sight_of(config, data, self.normaliser)
        self.part, self.held_out = self.sight.part(self.part), self.sight.part(self.held_out)
        self._frozen = training.frozen_views > 0
        self._embedded = self._freeze(data.images) if self._frozen else None
        self._given = corrections
        self._corrections = self._source(corrections) if corrections else None

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Shuffled training batches with shifted images."""
        return self.sight.source(self.part, self._embedded).stream(first_step)

    def loss(self, batch: Batch, step: int) -> Tensor:
        """The objective on augmented, normalised samples, and on corrections when there are some; a scalar."""
        own_step, device = my_share().own(step), self._device
        generator = torch_rng(self.config.training.seed, RandomStream.LOSS, own_step)
        measured, actions = self.variant.pairs(batch.state, batch.actions, self.config.flow, generator)
        measured, actions = measured.to(device), actions.to(device)
        observed = self._observe(batch.images, measured, generator)
        clean = self.normaliser.encode_actions(actions, measured)
        loss = self._flow_loss(self.model.net, observed, clean, generator)
        regression = regression_loss(self.model.expected(observed), clean, self._dim_weights)
        loss = loss + self.config.flow.regression_weight * regression
        return (
            loss + self._correction_loss(self._corrections, own_step, generator)
            if self._corrections
            else loss
        )

    def _observe(self, images: Tensor, measured: Tensor, generator: torch.Generator) -> Tensor:
        """What the network makes of pictures, or of the views that stand for them, and of a noisy state."""
        embedded = pick_view(images, generator) if self._frozen else self._see(images, generator)
        state = self.normaliser.encode_state(measured)
        noise = torch.randn(state.shape, generator=generator).to(state)
        state, embedded = state + self.config.training.state_noise * noise, embedded.to(state)
        return self._eyes.join(embedded, state)

    def _see(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return self._eyes.embed(self.sight.augmented(images.to(self._device), generator))

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def _eyes(self) -> ObservationEncoder:
        encoder = self.model.net.encoder
        assert isinstance(encoder, ObservationEncoder)  # of build_network
        return encoder

    def _freeze(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        self._eyes.encoders.requires_grad_(False)
        training = self.config.training
        generator = torch_rng(training.seed, RandomStream.VIEWS)
        # `auto` may choose otherwise when the run is resumed
        precision: Chosen = "bfloat16" if training.precision == "bfloat16" else "float32"

        def make() -> NDArray[np.float16]:
            with autocast(precision):
                return encode_views(images, training.frozen_views, self._see, generator)

        light = (training.frozen_views, training.brightness, training.colour, training.seed, precision)
        folder = Path(training.kept_views) if training.kept_views else None
        return kept_views(folder, f"{self._begun} {light}", images, make)

    def _source(self, corrections: Corrections) -> CorrectionSource:
        config, training = self.config, self.config.training
        check_corrections(corrections, self.data, config.flow.horizon)
        size = max(1, round(training.correction_share * training.batch_size / my_share().count))
        seen = self.sight.encoded(corrections.images)
        embedded = self._freeze(corrections.images) if self._frozen else seen
        return CorrectionSource(corrections, size, training.seed, embedded)

    def _correction_loss(self, source: CorrectionSource, step: int, generator: torch.Generator) -> Tensor:
        flow = self.config.flow
        delay = min(flow.max_delay, source.delay)
        bounds = {"max_delay": delay, "max_ramp": min(flow.max_ramp, source.known - delay), "free_share": 0.0}
        batch, device = source.batch(step), self._device
        state, actions, reference = (x.to(device) for x in (batch.state, batch.actions, batch.reference))
        loss = correction_loss(
            self.variant,
            self.model.net,
            self._observe(batch.images, state, generator),
            self.normaliser.encode_actions(actions, state),
            self.normaliser.encode_actions(reference, state),
            flow.model_copy(update=bounds),
            self._dim_weights,
            generator,
        )
        return self.config.training.correction_share * loss

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Held-out loss, and errors of chunks sampled without guidance; the same frames and noise every time."""
        net = _network(model)
        chosen = numpy_rng(self.config.training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        chosen = np.sort(chosen[: self.config.training.validation_frames])
        generator = torch_rng(self.config.training.seed, RandomStream.EVALUATE)
        losses, predicted, actual = [], [], []
        for first in range(0, len(chosen), EVALUATION_BATCH):
            batch = self.sight.read(self.held_out, chosen[first : first + EVALUATION_BATCH])
            state, actions = self.variant.pairs(batch.state, batch.actions, self.config.flow, generator)
            state, actions, images = (x.to(self._device) for x in (state, actions, batch.images))
            observed = net.observe(self.sight.plain(images), self.normaliser.encode_state(state))
            clean = self.normaliser.encode_actions(actions, state)
            losses.append(float(self._flow_loss(net, observed, clean, generator)) * len(batch))
            predicted.append(self.normaliser.decode_actions(self._sample(net, observed, generator), state))
            actual.append(actions)
        rows = torch.cat(predicted).cpu().numpy(), torch.cat(actual).cpu().numpy()
        errors = chunk_errors(*rows, self.data.action_space)
        return {"validation_loss": sum(losses) / len(chosen), **errors}

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint with a README that says how it was made."""
        space = self.data.action_space
        max_delay, max_ramp = self.variant.trained_lengths(self.config.flow)
        config = {
            "method": self.config.method,
            "action_space": space.to_dict(),
            "fingerprint": space.fingerprint(),
            "horizon": self.config.flow.horizon,
            "num_steps": self.config.flow.num_steps,
            "cameras": self.data.cameras,
            "image_size": self.image_size,
            "state_dim": self.data.state.shape[1],
            "max_delay": max_delay,
            "max_ramp": max_ramp,
            "network": self.config.network.model_dump(mode="json"),
            **self.sight.described(),
            "provenance": provenance(
                self.part, self._given, self.config.training, self._begun, summary["step"], self.sight.digest
            ).model_dump(mode="json"),
        }
        net = _network(model)
        weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
        readme = checkpoint_readme(self.config, self.part, self.held_out, net, summary)
        save_checkpoint(folder, config, self.normaliser, weights, readme)

    def _start_from(self, folder: Path) -> str:
        """Take weights and normaliser; returns the digests of both."""
        base = load_checkpoint(folder, method_of(folder), Expected(action_space=self.data.action_space))
        part = "encoder." if self.config.training.init_part == "encoder" else ""
        take_weights(self.model.net, base.weights, folder, part)
        self.normaliser = base.normaliser
        return base.config.weights_sha256 + base.config.stats_sha256

    def _flow_loss(self, net: FlowNet, observed: Tensor, clean: Tensor, generator: torch.Generator) -> Tensor:
        return flow_loss(self.variant, net, observed, clean, self.config.flow, self._dim_weights, generator)

    def _sample(self, net: FlowNet, observed: Tensor, generator: torch.Generator) -> Tensor:
        shape = (len(observed), self.config.flow.horizon, self.data.action_space.dim)
        noise = torch.randn(shape, generator=generator).to(observed.device)
        return sample_plain(self.variant.bind(net, observed), noise, self.config.flow.num_steps)


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


def _network(model: nn.Module) -> FlowNet:
    """The part of what is trained that a policy keeps."""
    assert isinstance(model, Training)
    return model.net


def _fit(part: ChunkDataset, horizon: int) -> Normaliser:
    data = part.data
    thinned = part.frames[:: max(1, len(part.frames) // STATISTICS_FRAMES)]
    return fit_normaliser(
        part.chunks(thinned)[:, :horizon],
        data.state[thinned],
        np.asarray(data.images[thinned]),
        data.action_space,
    )


def _dim_weights(config: FlowSettings, data: Demonstrations) -> Tensor:
    weights = torch.ones(data.action_space.dim)
    for name, weight in config.flow.channel_weights.items():
        weights[data.action_space.slice(name)] = weight
    return weights
