"""Action Stream in the shared training loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_policies.action_stream.config import StreamSettings
from segue_policies.action_stream.decoding import decode, likeliest
from segue_policies.action_stream.instructions import hashed, padded
from segue_policies.action_stream.loss import stream_losses
from segue_policies.action_stream.model import Prompt, StreamNet, build_network
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import FLOORS, IMAGENET_MEAN, Normaliser, fit_normaliser
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample

WORDS = "words"
PERCENTILES = (0.01, 0.99)


class StreamLearner(SupervisedLearner[StreamSettings, StreamNet]):
    """A sample is an observation, an instruction and the tokens of the next H actions."""

    encoder_part = "look."

    def fit(self, part: ChunkDataset) -> Normaliser:
        """The 1st and 99th percentile of each dimension to -1 and 1, the same for every row of a stream."""
        data, frames = part.data, statistics_frames(part)
        chunks, state = part.chunks(frames), data.state[frames]
        fitted = fit_normaliser(chunks, state, np.asarray(data.images[frames]), data.action_space)
        origin = fitted.action_anchor * state if fitted.action_anchor.any() else np.zeros_like(chunks[:, 0])
        seen = (chunks - origin[:, None])[part.real(frames)]  # (n, D), of all rows
        low, high = np.quantile(seen.astype(np.float64), PERCENTILES, axis=0)
        floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in data.action_space.channels])
        rows = (self.horizon, 1)
        return replace(
            fitted,
            action_mean=np.tile((high + low) / 2, rows).astype(np.float32),
            action_scale=np.tile(np.maximum((high - low) / 2, floor), rows).astype(np.float32),
            image_mean=np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1)),
        )

    def build(self) -> StreamNet:
        """A network with fresh weights."""
        return build_network(self.config, self.shape)

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Tokens (F, L) of each frame's instruction."""
        episodes, which = np.unique(np.asarray(self.data.episode), return_inverse=True)
        told = [self.data.instruction(int(episode)) for episode in episodes]
        count, longest = self.model.tokens.separator, self.config.longest
        rows = np.stack([padded(hashed(text, count), longest, text) for text in told])
        return {WORDS: rows[which]}

    def loss_of(self, net: StreamNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Of the demonstrated stream, a scalar."""
        ids = net.tokens.flat(net.tokens.bins(sample.actions))
        return stream_losses(net(self.prompt(net, sample), ids), ids, sample.real).mean()

    def prompt(self, net: StreamNet, sample: Sample) -> Prompt:
        """What comes before the streams of a sample."""
        return net.prompt(sample.images, sample.state, sample.columns[WORDS])

    def sample(self, net: StreamNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Greedy streams `(B, H, D)`, whatever the checkpoint's decoding is."""
        units = decode(net, self.prompt(net, sample), self.horizon, likeliest)
        return net.tokens.values(torch.stack(list(units), dim=1))

    def describe(self) -> Description:
        """Streams of up to the horizon; any executed prefix can be gone on from."""
        chunk = f"streams of {self.horizon} actions at {self.data.rate_hz:g} Hz, token by token"
        return Description(
            self.config.own(), "Action Stream", chunk, "greedy streams", max_delay=self.horizon - 1
        )
