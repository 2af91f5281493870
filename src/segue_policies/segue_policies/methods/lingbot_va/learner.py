"""LingBot-VA in the shared training loop: first the autoencoder alone, then both flows in its frozen latents.

Once the autoencoder is done every picture goes through it once, unless `keep_features` is false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from segue_core.arrays import Floats
from segue_policies.checkpoints.checkpoint import WeightGroup
from segue_policies.methods.lingbot_va.actions import Universal
from segue_policies.methods.lingbot_va.autoencoder import Autoencoder, tokens_of
from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.drawing import Denoising, Drawing, guided_rows
from segue_policies.methods.lingbot_va.keypoints import SHOWN, KeypointLatents
from segue_policies.methods.lingbot_va.loss import Sequence as Packed
from segue_policies.methods.lingbot_va.loss import draw, losses
from segue_policies.methods.lingbot_va.memory import Mind
from segue_policies.methods.lingbot_va.model import WorldNet, begin_action_stream, build_network
from segue_policies.methods.lingbot_va.outside import told_outside
from segue_policies.methods.lingbot_va.sequences import Episodes, Led, Packing, Steps, packing
from segue_policies.methods.lingbot_va.wan import WanLatents
from segue_policies.samples.batches import Batch, ByFrame, Column
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import Normaliser, fit_absolute
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import RandomStream, torch_rng

_REMEMBERED = 8
"""Steps that held-out chunks are predicted from."""

_AT_ONCE = 64
"""Frames that go through the autoencoder together."""

UNITS = "units."


class WorldLearner(SupervisedLearner[WorldConfig, WorldNet]):
    """A sample is a sequence of steps that begins with some frame."""

    encoder_part = "autoencoder."

    def fit(self, part: ChunkDataset) -> Normaliser:
        """Of pictures; actions have units of their own, in the network."""
        data, frames = part.data, statistics_frames(part)
        actions, images = data.action[part.frames], np.asarray(data.images[frames])
        fitted = fit_absolute(actions, self.horizon, data.state[frames], images)
        if self.config.vae is None:
            return fitted
        return replace(
            fitted, image_mean=np.full_like(fitted.image_mean, 0.5)
        )  # which Wan's pictures are about

    def build(self) -> WorldNet:
        """A fresh network, with the percentiles of the training part's actions."""
        net = build_network(self.config, self.shape)
        net.prepare()
        if self.config.action_start == "interpolated":
            begin_action_stream(net)
        universal = Universal(self.data.action_space)
        wide = universal.encode(np.asarray(self.data.action, np.float64))
        wide = universal.alike(wide, wide[self.part.frames[0]])
        net.units.fit(wide[self.part.frames], universal.mask)
        return net

    def begun(self) -> None:
        """Nothing was evaluated yet."""
        self._alone, self._keeps, self._scored = False, False, dict[str, list[float]]()
        self._features: Tensor | None = None

    def columns(self) -> Mapping[str, Column]:
        """Pictures, actions and episodes of a sample's steps, and its instruction."""
        config, data = self.config, self.data
        parts = (self.part, self.held_out)
        steps = packing(parts, data.instruction, config.every, config.sequence, config.chunk)
        actions, states = self._normalised()
        episode = np.asarray(data.episode)
        told_to = {
            int(number): self.model.spelt(data.instruction(int(number))) for number in np.unique(episode)
        }
        shown = {"shown": Steps(steps, data.images)} if self.config.encoder.frozen else {}
        return {
            **shown,
            "pictures": Steps(steps, self._looked_at, self.model.autoencoder.shots),
            "frames": Steps(steps, np.arange(len(data.images))),
            "actions": Led(steps, actions, states),
            "episodes": Episodes(steps),
            "words": np.stack([told_to[int(number)] for number in episode]),
        }

    @property
    def _looked_at(self) -> NDArray[np.uint8] | ByFrame:
        """What the autoencoder is shown of every frame: pictures, or a frozen trunk's maps of them."""
        return self.data.images if self.sight.features is None else self.sight.features

    def _normalised(self) -> tuple[Floats, Floats]:
        """Actions and states (F, 30); a state that is not in the numbers of an action is 0."""
        universal, units = Universal(self.data.action_space), self.model.units
        actions, states = (np.asarray(rows, np.float64) for rows in (self.data.action, self.data.state))
        made = [
            units.of(universal, rows) if rows.shape[1] == universal.space.dim else None
            for rows in (actions, states)
        ]
        assert made[0] is not None
        return made[0], np.zeros_like(made[0]) if made[1] is None else made[1]

    def pairs(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The pictures of all steps in place of the first, unless what they are to the autoencoder is kept."""
        return batch if self._keeps else replace(batch, images=batch.columns["pictures"])

    def loss(self, batch: Batch, number: int) -> Tensor:
        """Scalar: that of the autoencoder in its first steps, of both flows afterwards."""
        first = self.config.autoencoder_steps * self.config.training.accumulate
        self._alone = number < first
        self._keeps = self.config.keep_features and self.config.vae is None and not self._alone
        if self._keeps and self._features is None:
            self._features = self._features_of(self.model)
        if 0 < first == number and isinstance(self.model.autoencoder, KeypointLatents):
            self.model.autoencoder.standardise(self._features_of(self.model))
        loss = super().loss(batch, number)
        self._keeps = False
        return loss

    @torch.no_grad()
    def _features_of(self, net: WorldNet) -> Tensor:
        """Of every picture alone (F, cameras, C, h / 16, w / 16), in plain light."""
        blocks = np.split(
            np.arange(len(self.data.images)), np.arange(_AT_ONCE, len(self.data.images), _AT_ONCE)
        )
        made = []
        for frames in tqdm(blocks, desc="pictures", unit_scale=_AT_ONCE, unit="frame"):
            pictures = torch.from_numpy(np.array(self._looked_at[frames])).to(self.device)
            made.append(_own(net).features(self.sight.plain(pictures)))
        return torch.cat(made)

    def loss_of(self, net: WorldNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Scalar; an evaluation counts everything."""
        episode = sample.columns["episodes"]
        begins = torch.diff(episode, dim=1, prepend=-torch.ones_like(episode[:, :1])) > 0
        if net.training and self._alone:
            return self._alone_loss(net, sample, begins, generator)
        with torch.no_grad():
            if self._keeps and self._features is not None:
                encoded = _own(net).latents(self._features[sample.columns["frames"]], begins)
            else:
                encoded = net.autoencoder.encode(sample.images, begins)
            latents = tokens_of(encoded)
        words = sample.columns["words"]
        if net.training:
            kept = torch.rand(len(words), 1, generator=generator) >= self.config.text_dropout
            words = words * kept.to(words)
        packed = Packed(latents, sample.columns["actions"], episode)
        video, action = losses(net, packed, net.read(words), draw(self.config, packed, generator))
        total = video + self.config.action_weight * action
        if not net.training:
            parts = {"video_loss": video, "action_loss": action}
            if self.config.vae is None:
                parts["reconstruction"] = self._alone_loss(net, sample, begins, generator)
            for name, value in parts.items():
                self._scored.setdefault(name, []).append(float(value))
        return total

    def _alone_loss(
        self, net: WorldNet, sample: Sample, begins: Tensor, generator: torch.Generator
    ) -> Tensor:
        own = _own(net)
        if isinstance(own, Autoencoder):
            return own.loss(sample.images, begins)
        first = int(torch.randint(min(SHOWN, begins.shape[1]), (), generator=generator))
        pictures = self.normaliser.encode_images(sample.columns["shown"][:, first::SHOWN])
        columns = sample.columns["actions"], sample.columns["episodes"]
        return own.loss(sample.images, *columns, pictures, first)

    def read(self, part: ChunkDataset, frames: NDArray[np.int64]) -> Batch:
        """The samples at `frames` (n,), and the frames: their past is remembered when chunks are predicted."""
        batch = super().read(part, frames)
        return replace(batch, columns={**batch.columns, "frame": torch.from_numpy(frames)})

    def sample(self, net: WorldNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks `(B, H, D)` as the policy predicts them after a few steps of the demonstration."""
        frames = sample.columns["frame"].tolist()
        rows = [self._chunk(net, frame, sample.columns["words"][k]) for k, frame in enumerate(frames)]
        chunks = torch.from_numpy(np.stack(rows)).to(sample.state)
        return self.normaliser.encode_actions(chunks, sample.state)

    def _chunk(self, net: WorldNet, frame: int, words: Tensor) -> Floats:
        """Rows (H, D) from `frame` on."""
        config, device = self.config, words.device
        episode = np.asarray(self.data.episode)
        first = int(np.searchsorted(episode, episode[frame]))
        count = min(_REMEMBERED, (frame - first) // config.every)
        begin = frame - count * config.every
        past = Packing(*_one(first, frame, len(episode)), {first: first}, config.every, count + 1, 0)
        shown = Steps(past, self.data.images, net.autoencoder.shots)[np.array([begin])]
        pictures = torch.from_numpy(shown).to(device)
        actions = torch.from_numpy(Led(past, *self._wide)[np.array([begin])]).to(device)
        begins = torch.arange(count + 1, device=device)[None] == 0
        latents = tokens_of(net.autoencoder.encode(self.sight.plain(pictures), begins))[0]
        how = Denoising.of(config)
        mind = Mind(net, net.read(guided_rows(words[None], how)), config.remembered)
        memory = mind.begin()
        for step in range(count + 1):
            memory = mind.remember(memory, actions[0, step : step + 1], latents[step : step + 1])
        generator = torch_rng(config.training.seed, RandomStream.EVALUATE, frame)
        _, drawn = Drawing(mind, how, generator).predict(memory, config.chunk)
        wide = net.units.decode(drawn).flatten(0, 1).double().cpu().numpy()
        return Universal(self.data.action_space).decode(wide)

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """As of every method, and the parts of the loss."""
        self._scored.clear()
        self._wide = self._normalised()
        scores = super().evaluate(model)
        return {**scores, **{name: float(np.mean(values)) for name, values in self._scored.items()}}

    def weight_groups(self, arrays: Mapping[str, NDArray[np.float32]]) -> Sequence[WeightGroup]:
        """Units of actions are kept in full precision."""
        units = {name: array for name, array in arrays.items() if name.startswith(UNITS)}
        others = {name: array for name, array in arrays.items() if name not in units}
        return [WeightGroup(others), WeightGroup(units, "units", "float32")]

    def describe(self) -> Description:
        """Chunks of whole steps."""
        config = self.config
        chunk = f"horizon {config.horizon} at {self.data.rate_hz:g} Hz, {config.chunk} steps of {config.every} ticks"
        sampled = f"pictures in {config.video_steps} steps to {config.video_until:g}, actions in {config.action_steps}"
        longest = max(0, (config.chunk - 2) * config.every + 1)  # a step is left, wherever a request comes
        return Description(
            config.own(),
            "LingBot-VA",
            chunk,
            sampled,
            num_steps=config.action_steps,
            max_delay=longest,
            more=told_outside(config),
        )


def _own(net: WorldNet) -> Autoencoder | KeypointLatents:
    assert not isinstance(net.autoencoder, WanLatents)  # the settings have no steps of it beside a VAE
    return net.autoencoder


def _one(first: int, last: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.full(count, first), np.full(count, last)
