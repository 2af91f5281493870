"""A network that is shown an observation and asked for the chunk that was demonstrated, in the shared training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.card import Card
from segue_policies.checkpoints.checkpoint import Expected, load_checkpoint, save_checkpoint
from segue_policies.checkpoints.provenance import provenance
from segue_policies.samples.batches import Batch
from segue_policies.samples.demonstrations import ChunkDataset, Demonstrations, check_demonstrations, split
from segue_policies.samples.normaliser import Normaliser, fit_normaliser
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.training.chunk_error import chunk_errors
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, numpy_rng, torch_rng
from segue_policies.training.warm_start import take_weights
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import sight_of, size_of

EVALUATION_BATCH = 64
STATISTICS_FRAMES = 4000


class SupervisedLearner:
    """Data, normaliser and network of one training run. A method says its `network`, and its `error` if it is another.

    Attributes:
        network: from (settings, `Shape`) to a module that maps normalised images `(B, cameras, 3, h, w)`, or a frozen
            trunk's maps of `Shape.channels`, and states `(B, S)` to normalised chunks `(B, H, D)`; with a history
            `(B, T, cameras, 3, h, w)` and `(B, T, S)`.
    """

    network: ClassVar[Callable[[Any, Shape], nn.Module]]

    def __init__(self, config: ChunkConfig, data: Demonstrations) -> None:
        """Split the data, fit the normaliser on the training part, build a network from the seed.

        With `training.init` weights and normaliser are those of that checkpoint instead.
        """
        check_demonstrations(data)
        training = config.training
        self.config, self.data = config, data
        self.part, self.held_out = split(
            data, config.horizon, training.validation_share, training.seed, training.split, config.history
        )
        self.normaliser = _fit(self.part)
        self.shape = shape_of(config, data)
        torch.manual_seed(int(torch_rng(training.seed, RandomStream.INITIALISE).initial_seed()))
        self.model = type(self).network(config, self.shape)
        self._begun = self._start_from(Path(training.init)) if training.init is not None else ""
        if config.encoder.frozen:
            _refuse_pixels_only(self.model, self.shape, config)
        self.sight = sight_of(config, data, self.normaliser)
        self.part, self.held_out = self.sight.part(self.part), self.sight.part(self.held_out)

    def error(self, predicted: Tensor, actions: Tensor, real: Tensor) -> Tensor:
        """Scalar loss of normalised chunks `(B, H, D)`: the mean absolute error of the rows that were demonstrated.

        `real` (B, H) is false where a row repeats an episode's last action.
        """
        mask = real.unsqueeze(-1).to(predicted)
        return ((predicted - actions).abs() * mask).sum() / (mask.sum() * actions.shape[-1]).clamp(min=1)

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Shuffled training batches with shifted images."""
        return self.sight.source(self.part).stream(first_step)

    def loss(self, batch: Batch, step: int) -> Tensor:
        """The error on augmented samples."""
        training = self.config.training
        generator = torch_rng(training.seed, RandomStream.LOSS, my_share().own(step))
        batch = batch.to(next(self.model.parameters()).device)
        images = self.sight.augmented(batch.images, generator)
        state = self.normaliser.encode_state(batch.state)
        state = state + training.state_noise * torch.randn(state.shape, generator=generator).to(state)
        actions = self.normaliser.encode_actions(batch.actions, batch.newest_state)
        return self.error(self.model(images, state), actions, batch.real)

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """On held-out episodes: the error, and that of the chunks in physical units."""
        chosen = numpy_rng(self.config.training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        chosen = np.sort(chosen[: self.config.training.validation_frames])
        losses, predicted, actual = [], [], []
        for first in range(0, len(chosen), EVALUATION_BATCH):
            batch = self.sight.read(self.held_out, chosen[first : first + EVALUATION_BATCH])
            batch = batch.to(next(model.parameters()).device)
            images = self.sight.plain(batch.images)
            chunks = model(images, self.normaliser.encode_state(batch.state))
            wanted = self.normaliser.encode_actions(batch.actions, batch.newest_state)
            losses.append(float(self.error(chunks, wanted, batch.real)) * len(batch))
            predicted.append(self.normaliser.decode_actions(chunks, batch.newest_state))
            actual.append(batch.actions)
        rows = torch.cat(predicted).cpu().numpy(), torch.cat(actual).cpu().numpy()
        errors = chunk_errors(*rows, self.data.action_space)
        return {"validation_loss": sum(losses) / len(chosen), **errors}

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint with a README that says how it was made."""
        space, config, shape = self.data.action_space, self.config, self.shape
        made = provenance(self.part, None, config.training, self._begun, summary["step"], self.sight.digest)
        described = {
            "method": config.method,
            "action_space": space.to_dict(),
            "fingerprint": space.fingerprint(),
            "horizon": shape.horizon,
            "num_steps": 1,
            "cameras": shape.cameras,
            "image_size": size_of(self.data),
            "state_dim": shape.state,
            "max_delay": 0,
            "max_ramp": 0,
            "history": config.history,
            "network": config.own(),
            **self.sight.described(),
            "provenance": made.model_dump(mode="json"),
        }
        weights = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
        chunk = f"horizon {shape.horizon} at {self.data.rate_hz:g} Hz"
        card = Card(config.method, chunk, "chunks of one forward pass", config, config.training)
        readme = card.text(self.part, self.held_out, model, summary)
        save_checkpoint(folder, described, self.normaliser, weights, readme)

    def _start_from(self, folder: Path) -> str:
        """Take weights and normaliser; returns the digest of the weights."""
        expected = Expected(action_space=self.data.action_space)
        base = load_checkpoint(folder, self.config.method, expected)
        take_weights(self.model, base.weights, folder)
        self.normaliser = base.normaliser
        return base.config.weights_sha256


def shape_of(config: ChunkConfig, data: Demonstrations) -> Shape:
    """Sizes of a network for some demonstrations."""
    given = given_by(config.encoder, size_of(data))
    widths = (data.state.shape[1], config.horizon, data.action_space.dim)
    return Shape(data.cameras, given.size, *widths, len(config.history), given.channels)


def _refuse_pixels_only(model: nn.Module, shape: Shape, config: ChunkConfig) -> None:
    what = f"encoder.trunk {config.encoder.trunk}"
    if shape.observations > 1:
        text, do = (
            f"{what} with a history",
            "leave history or encoder.trunk out: maps of earlier frames are not cached",
        )
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=list(config.history), do=do)
    maps = torch.zeros(1, len(shape.cameras), shape.channels, *shape.image_size[::-1])
    try:
        with torch.no_grad():
            model(maps, torch.zeros(1, shape.state))
    except (RuntimeError, ValueError) as error:
        text = f"{what}: the network of {config.method} takes no feature maps ({error})"
        do = "build it for Shape.channels and Shape.image_size, or leave encoder.trunk out"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=do) from error


def _fit(part: ChunkDataset) -> Normaliser:
    data = part.data
    thinned = part.frames[:: max(1, len(part.frames) // STATISTICS_FRAMES)]
    images = np.asarray(data.images[thinned])
    return fit_normaliser(part.chunks(thinned), data.state[thinned], images, data.action_space)
