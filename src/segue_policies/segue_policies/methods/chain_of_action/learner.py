"""Chain-of-Action in the shared training loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.errors import DataError, ErrorCode
from segue_policies.checkpoints.provenance import pretrained
from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.decoding import decode
from segue_policies.methods.chain_of_action.loss import chain_loss
from segue_policies.methods.chain_of_action.model import ChainNet, ChainTraining
from segue_policies.methods.chain_of_action.rows import ChainRows
from segue_policies.methods.chain_of_action.sequence import picked, with_end
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.samples.batches import Batch
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import FLOORS, IMAGENET_MEAN, Normaliser, fit_absolute
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import seeded

TICKS = "chain_ticks"


class ChainLearner(SupervisedLearner[ChainConfig, ChainTraining]):
    """A sample is an observation and the actions up to the next keyframe; rows behind it repeat it."""

    encoder_part = "look."

    def fit(self, part: ChunkDataset) -> Normaliser:
        """Actions to [-1, 1] per dimension, absolute; the same for every row, as every action can be of any."""
        data, frames = part.data, statistics_frames(part)
        actions = data.action[part.frames]
        fitted = fit_absolute(actions, self.horizon, data.state[frames], np.asarray(data.images[frames]))
        low, high = actions.min(axis=0), actions.max(axis=0)
        floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in data.action_space.channels])
        scale = np.maximum((high - low) / 2, floor).astype(np.float32)
        fitted = replace(
            fitted,
            action_mean=np.tile((high + low) / 2, (self.horizon, 1)),
            action_scale=np.tile(scale, (self.horizon, 1)),
        )
        if self.config.backbone_weights is None:
            return fitted
        return replace(
            fitted, image_mean=np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1))
        )

    def build(self) -> ChainTraining:
        """A network around a fresh or a pretrained trunk."""
        weights = self.config.backbone_weights
        self._base = pretrained(Path(weights)) if weights is not None else None
        self.reader.check(self.shape.state)
        net = ChainNet(self.config, self.shape)
        if weights is not None and isinstance(net.look.backbone, ResNet):
            load_weights(net.look.backbone, Path(weights))
        return ChainTraining(net, self.config)

    @cached_property
    def reader(self) -> ChainRows:
        """What actions mean; asked for when there is a normaliser."""
        return ChainRows(self.config, self.data.action_space, self.normaliser)

    def begun(self) -> None:
        """Nothing was decoded yet."""
        self._never_arrived: list[bool] = []

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Ticks (F,) from a frame up to its keyframe, both counted; 0 where none follows."""
        if self.config.order == "forward":
            return {TICKS: np.full(len(self.data.action), self.horizon)}
        following = np.asarray(self.data.label("keyframes", **self.config.keyframes)["next_keyframe"])
        episode = np.asarray(self.data.episode)
        frame = np.arange(len(episode)) - np.searchsorted(episode, episode)
        ticks = np.where(following >= 0, following - frame + 1, 0)
        self._check(ticks, episode, frame)
        return {TICKS: ticks}

    def _check(self, ticks: NDArray[np.int64], episode: NDArray[np.int64], frame: NDArray[np.int64]) -> None:
        longest = int(np.argmax(ticks))
        if ticks[longest] > self.horizon:
            text = f"chain to the keyframe from episode {episode[longest]}, frame {frame[longest]}: ticks"
            got, allowed = int(ticks[longest]), f"at most {self.horizon} (horizon)"
            do = f"train with horizon={got}, and every=2 or more where that is too slow"
            raise DataError(ErrorCode.DATA_DATASET_INVALID, text, got=got, expected=allowed, do=do)

    def pairs(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The actions up to the keyframe; behind it there is only the keyframe."""
        ticks, rows = batch.columns[TICKS], torch.arange(batch.actions.shape[1])
        if self.config.order == "forward":
            return replace(batch, real=torch.ones_like(batch.real))
        kept = torch.minimum(rows, (ticks[:, None] - 1).clamp(min=0))
        actions = batch.actions.gather(1, kept[..., None].expand_as(batch.actions))
        return replace(batch, actions=actions, real=rows < ticks[:, None])

    def loss_of(self, net: ChainTraining, sample: Sample, generator: torch.Generator) -> Tensor:
        """Eq. 2, a scalar."""
        chains, real = self._chains(sample)
        if not net.training:
            return self._loss(net, sample, chains, real)
        with seeded(generator):
            return self._loss(net, sample, chains, real)

    def _chains(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """Chains `(B, n, D)` in the order of decoding, and which of their entries there are, `(B, n)`."""
        config = self.config
        rows, real = picked(sample.real.sum(dim=1), config.actions, config.every, config.order)
        chains = sample.actions.gather(1, rows[..., None].expand(-1, -1, sample.actions.shape[-1]))
        if not config.ends_at_tool:
            return chains, real
        tool = sample.actions[:, 0].clone()
        tool[:, self.reader.points] = self._tool(sample)[:, self.reader.points]
        return with_end(chains, real, tool)

    def _tool(self, sample: Sample) -> Tensor:
        """The measured pose (B, D) in an action's units."""
        measured = self._measured(sample)
        return self.normaliser.encode_actions(measured[:, None], measured)[:, 0]

    def _measured(self, sample: Sample) -> Tensor:
        """States (B, S), the newest of a history, in physical units."""
        state = sample.state if sample.state.ndim == 2 else sample.state[:, -1]
        state = state * state.new_tensor(self.normaliser.state_scale)
        return state + state.new_tensor(self.normaliser.state_mean)

    def _loss(self, net: ChainTraining, sample: Sample, chains: Tensor, real: Tensor) -> Tensor:
        context = net.net.look(sample.images, sample.state)
        return chain_loss(net, self.config, context, chains, real)

    def sample(self, net: ChainTraining, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chains `(B, H, D)` as the policy decodes them, the keyframe repeated behind them."""
        context = net.net.look(sample.images, sample.state)
        state = self._measured(sample)
        chains = decode(net.net, context, self.reader.arrived(state), self.config.places)
        self._never_arrived += (~chains.arrived).tolist()
        padded = [
            self._padded(self.reader.rows(self.reader.actions(chains, i, state))) for i in range(len(state))
        ]
        return self.normaliser.encode_actions(state.new_tensor(np.stack(padded)), state)

    def _padded(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([rows, np.tile(rows[-1:], (self.horizon - len(rows), 1))])

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """As of every method, and the share of chains that did not come back to the tool."""
        self._never_arrived = []
        scores = super().evaluate(model)
        if self.config.order == "forward":
            return scores
        return {**scores, "never_arrived": float(np.mean(self._never_arrived))}

    def kept(self, net: ChainTraining) -> nn.Module:
        """Without the heads that look further ahead."""
        return net.net

    def describe(self) -> Description:
        """Chains of up to the horizon."""
        config = self.config
        spaced = f", an action every {config.every} ticks" if config.every > 1 else ""
        chunk = f"chains of up to {self.horizon} ticks at {self.data.rate_hz:g} Hz{spaced}, {config.order}"
        return Description(
            config.own(), "Chain-of-Action", chunk, "chains until they arrive", base=self._base
        )
