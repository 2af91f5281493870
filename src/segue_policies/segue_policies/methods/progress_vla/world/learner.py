"""The world model in the shared training loop; its scores are shares of what changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_policies.methods.progress_vla.world.config import WorldTraining
from segue_policies.methods.progress_vla.world.loss import world_loss
from segue_policies.methods.progress_vla.world.model import WorldModel
from segue_policies.methods.progress_vla.world.plot import Imagined, draw_imagined, nearest_rows
from segue_policies.methods.progress_vla.world.transitions import (
    LATER,
    NOW,
    cached,
    frames_after,
    transitions,
)
from segue_policies.samples.batches import Column
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import Normaliser, fit_absolute
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import RandomStream, numpy_rng
from segue_policies.vision.config import given_by
from segue_policies.vision.feature_cache import FeatureCache
from segue_policies.vision.sight import size_of

PLOT = "imagined.png"
_DRAWN, _SEARCHED = 6, 1000  # held-out frames that are drawn, and among which pictures are looked for
_MEASURED = 512  # frames that mean and deviation of the maps are taken from


class WorldNet(nn.Module):
    """The world model alone, under the name that later stages know it by."""

    def __init__(self, world: WorldModel) -> None:
        super().__init__()
        self.world = world


class WorldLearner(SupervisedLearner[WorldTraining, WorldNet]):
    """Nothing is commanded: an action is what changes between two pictures."""

    encoder_part = "world."

    @property
    def horizon(self) -> int:
        """A batch has the one action that its reader needs."""
        return 1

    def fit(self, part: ChunkDataset) -> Normaliser:
        """Only what a checkpoint has to have."""
        data, frames = part.data, statistics_frames(part)
        return fit_absolute(data.action[frames], 1, data.state[frames], np.asarray(data.images[frames]))

    def build(self) -> WorldNet:
        """A fresh network."""
        given = given_by(self.config.encoder, size_of(self.data))
        return WorldNet(WorldModel(self.config.world, given, len(self.data.cameras)))

    def columns(self) -> Mapping[str, Column]:
        """What is seen now, and N ticks later."""
        self.features = cached(self.sight, self.config.method)
        return transitions(self.data, self.features, self.config.world.after)

    def begun(self) -> None:
        """A fresh world model learns the units of the maps."""
        if not self.origin and "world" not in self.parts:
            measure(self.model.world, self.features, self.part.frames)

    def loss_of(self, net: WorldNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Eq. 5, a scalar."""
        now, later = seen(net.world, sample)
        return world_loss(net.world, self.config.world_loss, now, later, generator)[0]

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """On held-out demonstrations."""
        assert isinstance(model, WorldNet)
        chosen = numpy_rng(self.config.training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        found = judged(model.world, self, np.sort(chosen[: self.config.training.validation_frames]))
        return {"validation_loss": found["unexplained"], **found}

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """The checkpoint, and a picture of what it imagines."""
        super().save(model, folder, summary)
        assert isinstance(model, WorldNet)
        seconds = self.config.world.after / self.data.rate_hz
        draw_imagined(folder / PLOT, self._imagined(model.world), seconds)

    @torch.inference_mode()
    def _imagined(self, world: WorldModel) -> Imagined:
        """Of some held-out frames, as the first camera sees them; nearest among all held-out ones."""
        frames = self.held_out.frames
        some = frames[:: max(1, len(frames) // _SEARCHED)]
        chosen = some[:: max(1, len(some) // _DRAWN)][:_DRAWN]
        ends = frames_after(self.data, self.config.world.after, self.features.every)[chosen]
        now, later, real = (
            world.observe(torch.from_numpy(self.features[which]).float().to(self.device))
            for which in (chosen, ends, some)
        )
        imagined = world.imagine(now, world.latents(now, later))
        like = some[nearest_rows(imagined, real).cpu().numpy()]
        return Imagined(*(np.asarray(self.data.images[which][:, 0]) for which in (chosen, ends, like)))

    def describe(self) -> Description:
        """What it looks ahead."""
        world = self.config.world
        seconds = world.after / self.data.rate_hz
        chunk = f"maps of the frozen trunk {seconds:g} s later, by a latent action of {world.latents} words"
        network = {"world": world.model_dump(mode="json")}
        return Description(network, "World", chunk, "maps by the latent action between them", kind="model")


def seen(world: WorldModel, sample: Sample) -> tuple[Tensor, Tensor]:
    """Tokens of now and later `(B, N, token)`."""
    return world.observe(sample.columns[NOW].float()), world.observe(sample.columns[LATER].float())


def measure(world: WorldModel, features: FeatureCache, frames: NDArray[np.int64]) -> None:
    """Give `world` the mean and deviation (C,) of the maps' channels, of `frames` (n,)."""
    chosen = frames[:: max(1, len(frames) // _MEASURED)]
    maps = torch.from_numpy(features[chosen]).float().movedim(2, 0).flatten(1)  # (C, ...)
    world.mean.copy_(maps.mean(dim=1))
    world.scale.copy_(maps.std(dim=1).clamp(min=1e-3))


def judged(
    world: WorldModel, learner: SupervisedLearner[Any, Any], frames: NDArray[np.int64]
) -> dict[str, float]:
    """How well `world` tells what comes after held-out `frames` (n,).

    Returns:
        unexplained: squared error of the imagined features over that of "nothing changes".
        unexplained_without: the same with the latent action of another transition: what it is worth is the difference.
        codes_used: words that are in use, as an equally probable number (perplexity).
        spread: deviation of the latent actions, 1 where policies expect it.
    """
    errors, words, latents = [], [], []
    for first in range(0, len(frames), learner.evaluation_batch):
        batch = learner.read(learner.held_out, frames[first : first + learner.evaluation_batch])
        sample = Sample(
            batch.images, batch.state, batch.actions, batch.real, batch.to(learner.device).columns
        )
        now, later = seen(world, sample)
        mean = world.infer(now, later).mean
        action = world.codes.nearest(mean)
        told = (world.imagine(now, action), world.imagine(now, action.roll(1, dims=0)), now)
        errors.append([float((one - later).square().sum()) for one in told])
        words.append(world.codes.words(mean).flatten())
        latents.append(action)
    imagined, without, still = np.sum(errors, axis=0)
    share = torch.bincount(torch.cat(words)).float()
    share = share[share > 0] / share.sum()
    return {
        "unexplained": imagined / max(still, 1e-9),
        "unexplained_without": without / max(still, 1e-9),
        "codes_used": float((-(share * share.log()).sum()).exp()),
        "spread": float(torch.cat(latents).std()),
    }
