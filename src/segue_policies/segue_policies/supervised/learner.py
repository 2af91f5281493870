"""A network that is shown observations and asked for the chunks that were demonstrated, in the shared training loop.

    begin        split the data -> fit the normaliser -> build the network -> training.init, parts -> begun
    loss         batch -> pairs -> augmented, normalised sample -> encoded -> loss_of
    evaluate     held-out frames -> pairs -> sample -> encoded -> loss_of, sample
    save         describe -> checkpoint and README

A method of one forward pass says its `network`; any other replaces `build`, `loss_of`, `sample` and `describe`, and of
the other steps what is different with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_policies.checkpoints.card import Card
from segue_policies.checkpoints.checkpoint import (
    FORMAT,
    Expected,
    WeightGroup,
    load_checkpoint,
    method_of,
    save_checkpoint,
)
from segue_policies.checkpoints.provenance import provenance
from segue_policies.samples.batches import Batch, BatchSource, Column
from segue_policies.samples.corrections import Corrections
from segue_policies.samples.demonstrations import ChunkDataset, Demonstrations, check_demonstrations, split
from segue_policies.samples.normaliser import Normaliser, fit_normaliser
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.chunk_error import chunk_errors
from segue_policies.training.config import MethodConfig
from segue_policies.training.optimiser import ParameterGroup, usual_groups
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, numpy_rng, torch_rng
from segue_policies.training.warm_start import take_weights
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import sight_of, size_of

ConfigT = TypeVar("ConfigT", bound=MethodConfig)
NetT = TypeVar("NetT", bound=nn.Module)

STATISTICS_FRAMES = 4000


class SupervisedLearner(Generic[ConfigT, NetT]):
    """Data, normaliser and network of one training run.

    Attributes:
        network: from (settings, `Shape`) to a module that maps normalised images `(B, cameras, 3, h, w)` and states
            `(B, S)` to normalised chunks `(B, H, D)`; with a history `(B, T, cameras, 3, h, w)` and `(B, T, S)`. For
            methods of one forward pass.
        encoder_part: name of the image encoder in the network, which `training.init_part: encoder` takes alone.
        evaluation_batch: held-out observations at once.
        memory: what `evaluate` leaves for later evaluations, numbers by name; carried over a resume.
    """

    network: ClassVar[Callable[[Any, Shape], nn.Module]]
    encoder_part: ClassVar[str] = "encoder."
    evaluation_batch: ClassVar[int] = 64

    def __init__(self, config: ConfigT, data: Demonstrations, corrections: Corrections | None = None) -> None:
        """Split the data, fit the normaliser on the training part, build a network from the seed.

        With `training.init` weights and normaliser are those of that checkpoint instead: its weights mean its units.
        """
        check_demonstrations(data)
        training = config.training
        self.config: ConfigT = config
        self.data, self.corrections = data, corrections
        self.memory: dict[str, list[float]] = {}
        self.part, self.held_out = split(
            data, self.rows, training.validation_share, training.seed, training.split, self.history
        )
        self.normaliser = self.fit(self.part)
        torch.manual_seed(int(torch_rng(training.seed, RandomStream.INITIALISE).initial_seed()))
        self.model: NetT = self.build()
        self.origin = self._start_from(Path(training.init)) if training.init is not None else ""
        self.sight = sight_of(config, data, self.normaliser, self.history)
        self.part, self.held_out = self.sight.part(self.part), self.sight.part(self.held_out)
        self.parts = {name: self._take(name, Path(folder)) for name, folder in training.parts.items()}
        for name in training.frozen_parts:
            part_of(self.kept(self.model), name).requires_grad_(False).eval()
        self._columns = self.columns()
        self.begun()

    # What a method may say.

    @property
    def horizon(self) -> int:
        """Rows H of a chunk."""
        return cast(ChunkConfig, self.config).horizon

    @property
    def history(self) -> tuple[int, ...]:
        """Observations that are shown, in ticks from the newest."""
        return self.config.history if isinstance(self.config, ChunkConfig) else (0,)

    @property
    def rows(self) -> int:
        """Rows of a batch's actions: H, and what `pairs` needs beyond."""
        return self.horizon

    def fit(self, part: ChunkDataset) -> Normaliser:
        """The normaliser of some demonstrations."""
        frames = statistics_frames(part)
        data = part.data
        chunks = part.chunks(frames)[:, : self.horizon]
        return fit_normaliser(chunks, data.state[frames], np.asarray(data.images[frames]), data.action_space)

    def build(self) -> NetT:
        """A fresh network; torch's generator is seeded."""
        net = type(self).network(self.config, self.shape)
        if self.config.encoder.frozen:
            _refuse_pixels_only(net, self.shape, self.config)
        return cast(NetT, net)

    def begun(self) -> None:
        """The network has its first weights; may freeze parts of it or add to it."""

    def columns(self) -> Mapping[str, Column]:
        """What a batch has beside observation and actions, by name: one entry per frame of the data, (F, ...)."""
        return {}

    def pairs(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The samples that are learned from, of raw ones."""
        return batch

    def shown(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures (B, cameras, h, w, 3) as the network is shown them in training: normalised, in another light."""
        return self.sight.augmented(images, generator)

    def encoded(self, net: NetT, sample: Sample) -> Sample:
        """The sample with what `loss_of` and `sample` would both compute."""
        return sample

    def loss_of(self, net: NetT, sample: Sample, generator: torch.Generator) -> Tensor:
        """Scalar loss; `net.training` tells a training step from an evaluation."""
        return self.error(net(sample.images, sample.state), sample.actions, sample.real)

    def sample(self, net: NetT, sample: Sample, generator: torch.Generator) -> Tensor:
        """Normalised chunks (B, H, D) as the policy would answer."""
        chunks: Tensor = net(sample.images, sample.state)
        return chunks

    def error(self, predicted: Tensor, actions: Tensor, real: Tensor) -> Tensor:
        """Scalar loss of normalised chunks `(B, H, D)`: the mean absolute error of the rows that were demonstrated.

        `real` (B, H) is false where a row repeats an episode's last action.
        """
        mask = real.unsqueeze(-1).to(predicted)
        return ((predicted - actions).abs() * mask).sum() / (mask.sum() * actions.shape[-1]).clamp(min=1)

    def kept(self, net: NetT) -> nn.Module:
        """The part of what is trained that a checkpoint has."""
        return net

    def describe(self) -> Description:
        """What the checkpoint says of itself."""
        config = cast(ChunkConfig, self.config)
        chunk = f"horizon {self.horizon} at {self.data.rate_hz:g} Hz"
        return Description(config.own(), config.method, chunk, "chunks of one forward pass")

    def weight_groups(self, arrays: Mapping[str, NDArray[np.float32]]) -> Sequence[WeightGroup]:
        """How the checkpoint's tensors are kept: all in float16."""
        return [WeightGroup(arrays)]

    def base_method(self, folder: Path) -> str:
        """The method whose checkpoint `training.init` may be."""
        return self.config.method

    def parameter_groups(self) -> list[ParameterGroup]:
        """What is trained, and how fast."""
        return usual_groups(self.model, self.config.training)

    # What the training loop asks.

    def batches(self, first: int) -> Iterator[Batch]:
        """Shuffled training batches with shifted images, from number `first` on."""
        return self.source().stream(first)

    def source(self) -> BatchSource:
        """Where the training batches come from."""
        return self.sight.source(self.part, columns=self._columns)

    def loss(self, batch: Batch, number: int) -> Tensor:
        """The loss of batch `number`, augmented and normalised."""
        return self.training_loss(batch, self.randomness(number))

    def training_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """That with all randomness from `generator`."""
        batch = self.pairs(batch, generator).to(self.device)
        sample = self._sample(batch, self.shown(batch.images, generator))
        noise = torch.randn(sample.state.shape, generator=generator).to(sample.state)
        noisy = replace(sample, state=sample.state + self.config.training.state_noise * noise)
        return self.loss_of(self.model, self.encoded(self.model, noisy), generator)

    def randomness(self, number: int) -> torch.Generator:
        """For the loss of batch `number`: of this seed, number and process only."""
        return torch_rng(self.config.training.seed, RandomStream.LOSS, my_share().own(number))

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """On held-out episodes: the loss, and errors of the policy's chunks in physical units.

        The same frames and noise every time.
        """
        net, training = cast(NetT, model), self.config.training
        chosen = numpy_rng(training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        chosen = np.sort(chosen[: training.validation_frames])
        generator = torch_rng(training.seed, RandomStream.EVALUATE)
        losses, predicted, actual = [], [], []
        for first in range(0, len(chosen), self.evaluation_batch):
            raw = self.read(self.held_out, chosen[first : first + self.evaluation_batch])
            batch = self.pairs(raw, generator).to(self.device)
            sample = self._sample(batch, self.sight.plain(batch.images))
            sample = self.encoded(net, sample)
            losses.append(float(self.loss_of(net, sample, generator)) * len(batch))
            chunks = self.sample(net, sample, generator)
            predicted.append(self.normaliser.decode_actions(chunks, batch.newest_state))
            actual.append(batch.actions)
        rows = torch.cat(predicted).cpu().numpy(), torch.cat(actual).cpu().numpy()
        errors = chunk_errors(*rows, self.data.action_space)
        return {"validation_loss": sum(losses) / len(chosen), **errors}

    def read(self, part: ChunkDataset, frames: NDArray[np.int64]) -> Batch:
        """The samples that start at `frames`, as they were recorded."""
        return self.sight.read(part, frames, self._columns)

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint with a README that says how it was made."""
        kept, said, space = self.kept(cast(NetT, model)), self.describe(), self.data.action_space
        training, step = self.config.training, summary["step"]
        trunk, given = self.sight.digest, self.corrections
        made = provenance(self.part, given, training, self.origin, step, trunk, self.parts)
        described = {
            "method": self.config.method,
            "action_space": space.to_dict(),
            "fingerprint": space.fingerprint(),
            "format": FORMAT,
            "horizon": self.horizon,
            "cameras": self.data.cameras,
            "image_size": size_of(self.data),
            "state_dim": self.shape.state,
            "settings": {
                "num_steps": said.num_steps,
                "max_delay": said.max_delay,
                "max_ramp": said.max_ramp,
                "history": self.history,
                "network": dict(said.network),
                **said.more,
            },
            **self.sight.described(),
            "base": said.base,
            "provenance": made.model_dump(mode="json"),
        }
        arrays = {name: tensor.float().cpu().numpy() for name, tensor in kept.state_dict().items()}
        card = Card(said.title, said.chunk, said.sampled, self.config, self.config.training, said.kind)
        readme = card.text(self.part, self.held_out, kept, summary)
        save_checkpoint(folder, described, self.normaliser, self.weight_groups(arrays), readme)

    # For the steps above.

    @property
    def shape(self) -> Shape:
        """Sizes of what a network sees and answers."""
        data = self.data
        given = given_by(self.config.encoder, size_of(data))
        widths = (data.state.shape[1], self.horizon, data.action_space.dim)
        return Shape(data.cameras, given.size, *widths, len(self.history), given.channels)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    def _sample(self, batch: Batch, images: Tensor) -> Sample:
        state = self.normaliser.encode_state(batch.state)
        actions = self.normaliser.encode_actions(batch.actions, batch.newest_state)
        return Sample(images, state, actions, batch.real, batch.columns)

    def _take(self, name: str, folder: Path) -> str:
        """Begin the part `name` of the network as a checkpoint's, in this training's units; returns its digest."""
        space = Expected(action_space=self.data.action_space)
        base, part = load_checkpoint(folder, method_of(folder), space), f"{name}."
        named = {key: array for key, array in base.weights.items() if key.startswith(part)}
        whole = {f"{part}{key}": array for key, array in base.weights.items()}
        take_weights(self.kept(self.model), named or whole, folder, part)
        return base.config.weights_sha256

    def _start_from(self, folder: Path) -> str:
        """Take weights and normaliser; returns the digests of both."""
        expected = Expected(action_space=self.data.action_space)
        base = load_checkpoint(folder, self.base_method(folder), expected)
        part = self.encoder_part if self.config.training.init_part == "encoder" else ""
        take_weights(self.kept(self.model), base.weights, folder, part)
        self.normaliser = base.normaliser
        return base.config.weights_sha256 + base.config.stats_sha256


def _refuse_pixels_only(model: nn.Module, shape: Shape, config: MethodConfig) -> None:
    what = f"encoder.trunk {config.encoder.trunk}"
    times = (shape.observations,) if shape.observations > 1 else ()
    maps = torch.zeros(1, *times, len(shape.cameras), shape.channels, *shape.image_size[::-1])
    try:
        with torch.no_grad():
            model(maps, torch.zeros(1, *times, shape.state))
    except (RuntimeError, ValueError) as error:
        text = f"{what}: the network of {config.method} takes no feature maps ({error})"
        do = "build it for Shape.channels and Shape.image_size, or leave encoder.trunk out"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=do) from error


def part_of(net: nn.Module, name: str) -> nn.Module:
    """The part `name` of a network; raises ConfigError with those there are."""
    try:
        return net.get_submodule(name)
    except AttributeError:
        parts = [child for child, _ in net.named_children()]
        raise unknown_name("part of the network", name, parts) from None


def statistics_frames(part: ChunkDataset) -> NDArray[np.int64]:
    """Frames (n,) that mean and deviation are taken from: every so-manieth of a part."""
    frames: NDArray[np.int64] = part.frames[:: max(1, len(part.frames) // STATISTICS_FRAMES)]
    return frames
