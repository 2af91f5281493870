"""What every training behind a prompt shares: its units, its instructions, the prompt itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from segue_core.action_space import ChannelKind
from segue_policies.checkpoints.bases import base_of
from segue_policies.methods.action_stream.base import Trained, trained_names
from segue_policies.methods.action_stream.config import PromptedSettings
from segue_policies.methods.action_stream.instructions import padded
from segue_policies.methods.action_stream.model import FORESEEN_S, Prompt, PromptedNet
from segue_policies.samples.batches import Batch
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import FLOORS, IMAGENET_MEAN, Normaliser, fit_normaliser
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Sample

FORESEEN = "foreseen"
WORDS = "words"
PERCENTILES = (0.01, 0.99)

SettingsT = TypeVar("SettingsT", bound=PromptedSettings)
PromptedT = TypeVar("PromptedT", bound=PromptedNet)


class PromptedLearner(SupervisedLearner[SettingsT, PromptedT], Generic[SettingsT, PromptedT]):
    """A sample is an observation, an instruction and the next H actions in -1..1."""

    encoder_part = "look."

    def fit(self, part: ChunkDataset) -> Normaliser:
        """The 1st and 99th percentile of each dimension to -1 and 1, the same for every row of a stream.

        Positions are measured from the present state, orientations are not: no demonstration corrects one that has
        drifted farther than between its percentiles, and what is measured from it would drift on.
        """
        data, frames = part.data, statistics_frames(part)
        chunks, state = part.chunks(frames), data.state[frames]
        fitted = fit_normaliser(chunks, state, np.asarray(data.images[frames]), data.action_space)
        places = [np.full(c.size, c.kind is ChannelKind.POSITION) for c in data.action_space.channels]
        anchor = (fitted.action_anchor * np.concatenate(places)).astype(np.float32)
        origin = anchor * state if anchor.any() else np.zeros_like(chunks[:, 0])
        seen = (chunks - origin[:, None])[part.real(frames)]  # (n, D), of all rows
        low, high = np.quantile(seen.astype(np.float64), PERCENTILES, axis=0)
        floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in data.action_space.channels])
        rows = (self.horizon, 1)
        return replace(
            fitted,
            action_anchor=anchor,
            action_mean=np.tile((high + low) / 2, rows).astype(np.float32),
            action_scale=np.tile(np.maximum((high - low) / 2, floor), rows).astype(np.float32),
            image_mean=np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1)),
        )

    def kept(self, net: PromptedT) -> nn.Module:
        """The whole network, or what is trained beside a base."""
        return net if self.config.base is None else Trained(net, trained_names(self.model))

    def made_on(self) -> dict[str, str] | None:
        """Name and digest of the base."""
        base = self.config.base
        return None if base is None else base_of(Path(base.folder)).model_dump()

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Tokens (F, L) of each frame's instruction."""
        episodes, which = np.unique(np.asarray(self.data.episode), return_inverse=True)
        told = [self.data.instruction(int(episode)) for episode in episodes]
        longest = self.config.longest
        rows = np.stack([padded(self.model.spelt(text), longest, text) for text in told])
        return {WORDS: rows[which]} | ({FORESEEN: self._foreseen()} if self.config.foresight else {})

    def _foreseen(self) -> NDArray[np.float32]:
        floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in self.data.action_space.channels])
        ticks = np.round(np.array(FORESEEN_S) * self.data.rate_hz).astype(int)
        actions = np.asarray(self.data.action, np.float32)
        scaled = (actions - actions.mean(axis=0)) / np.maximum(actions.std(axis=0), floor)
        return ahead(scaled.astype(np.float32), np.asarray(self.data.episode), ticks)

    def prompt(self, net: PromptedT, sample: Sample) -> Prompt:
        """What comes before the answers to a sample."""
        return net.prompt(sample.images, sample.state, sample.columns[WORDS])

    def loss(self, batch: Batch, number: int) -> Tensor:
        """Of batch `number`; the pictures' part learns alone at first."""
        self._alone = number < self.config.foresight_steps * self.config.training.accumulate
        return super().loss(batch, number)

    def loss_of(self, net: PromptedT, sample: Sample, generator: torch.Generator) -> Tensor:
        """Scalar: of the answer, and in a training step of what the pictures foretell."""
        prompt = self.prompt(net, sample)
        if not (net.training and self.config.foresight):
            return self.loss_of_answer(net, prompt, sample, generator)
        foretold = self.config.foresight * self._foresight(prompt, sample)
        return foretold if self._alone else foretold + self.loss_of_answer(net, prompt, sample, generator)

    def loss_of_answer(
        self, net: PromptedT, prompt: Prompt, sample: Sample, generator: torch.Generator
    ) -> Tensor:
        """Scalar loss of what the language model says behind a prompt."""
        raise NotImplementedError

    def _foresight(self, prompt: Prompt, sample: Sample) -> Tensor:
        told, comes = prompt.foretold, sample.columns[FORESEEN]
        assert told is not None
        return functional.smooth_l1_loss(told, comes.to(told), beta=0.1)


def ahead(rows: NDArray[np.float32], episode: NDArray[Any], ticks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of each of the rows (F, D) those so many `ticks` (n,) later, or the last of its episode: (F, n, D)."""
    last = np.searchsorted(episode, episode, side="right") - 1
    later: NDArray[np.float32] = rows[np.minimum(np.arange(len(rows))[:, None] + ticks, last[:, None])]
    return later
