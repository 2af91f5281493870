"""Joint finetuning: progress of what is seen and of what is imagined, by clean and by noisy latent actions.

    L = L_world + L_prog + |P(l, o_0, D(o_t, a_z)) - p_t+N|                                          Eq. 5 to 8
      + the squared error of D(o_t, x_tau, tau), and |P(l, o_0, D(o_t, x_tau, tau)) - p_t+N|         Eq. 22

Noisy latents are those of the policy's diffusion, at every step alike often. Held out as for the estimator: the stop is
calibrated anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue_policies.methods.progress_vla.build import build_network
from segue_policies.methods.progress_vla.evaluator.config import EvaluatorConfig
from segue_policies.methods.progress_vla.evaluator.model import Evaluator
from segue_policies.methods.progress_vla.learner import ProgressLearner
from segue_policies.methods.progress_vla.world.learner import judged, measure, seen
from segue_policies.methods.progress_vla.world.loss import world_loss
from segue_policies.methods.progress_vla.world.model import WorldModel
from segue_policies.methods.progress_vla.world.transitions import cached, frames_after, transitions
from segue_policies.networks.noise_schedule import squared_cosine
from segue_policies.samples.batches import Column
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import RandomStream, numpy_rng, seeded, torch_rng
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import size_of

THEN = "progress_later"


class EvaluatorLearner(ProgressLearner):
    """See above."""

    config: EvaluatorConfig

    def build(self) -> Evaluator:
        """A fresh network."""
        given, cameras = given_by(self.config.encoder, size_of(self.data)), len(self.data.cameras)
        self._base = None
        progress = build_network(self.config.network, given, cameras)
        return Evaluator(progress, WorldModel(self.config.world, given, cameras))

    def columns(self) -> Mapping[str, Column]:
        """As for the estimator, and the transitions with the progress at their ends."""
        own = super().columns()
        self.features = cached(self.sight, self.config.method)
        after = self.config.world.after
        ends = frames_after(self.data, after, self.features.every)
        later = {THEN: np.asarray(own["progress"])[ends]}
        return {**own, **transitions(self.data, self.features, after), **later}

    def begun(self) -> None:
        """A fresh world model learns the units of the maps."""
        assert isinstance(self.model, Evaluator)
        if not self.origin and "world" not in self.parts:
            measure(self.model.world, self.features, self.part.frames)

    def loss_of(self, net: nn.Module, sample: Sample, generator: torch.Generator) -> Tensor:
        """The sum above, a scalar."""
        assert isinstance(net, Evaluator)
        with seeded(generator):
            return super().loss_of(net, sample, generator) + self._imagined(net, sample, generator)

    def _imagined(self, net: Evaluator, sample: Sample, generator: torch.Generator) -> Tensor:
        now, later = seen(net.world, sample)
        loss, latents = world_loss(net.world, self.config.world_loss, now, later, generator)
        steps = torch.randint(self.config.noise_steps, (len(now),), generator=generator).to(now.device)
        noise = torch.randn(latents.shape, generator=generator).to(now)
        noisy = squared_cosine(self.config.noise_steps).noisy(latents, noise, steps)
        for action, step in ((latents, None), (noisy.detach(), steps)):
            imagined = net.world.imagine(now, action, step)
            progress = net.progress(
                self._first(sample), net.world.pictured(imagined), sample.columns["words"]
            )
            loss = loss + (progress - sample.columns[THEN]).abs().mean()
            if step is not None:
                loss = loss + (imagined - later).square().mean()
        return loss

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """The estimator's scores, the world model's, and how far off the progress of imagined futures is."""
        assert isinstance(model, Evaluator)
        chosen = numpy_rng(self.config.training.seed, RandomStream.EVALUATE).permutation(self.held_out.frames)
        frames = np.sort(chosen[: self.config.training.validation_frames])
        return {**super().evaluate(model), **judged(model.world, self, frames), **self._ahead(model, frames)}

    def _ahead(self, net: Evaluator, frames: Any) -> dict[str, float]:
        """Mean absolute errors of the progress N ticks later, by clean latents, and by noise alone at the last step."""
        generator = torch_rng(self.config.training.seed, RandomStream.EVALUATE)
        off: dict[str, list[float]] = {"imagined_mae": [], "imagined_mae_of_noise": []}
        for first in range(0, len(frames), self.evaluation_batch):
            raw = self.read(self.held_out, frames[first : first + self.evaluation_batch]).to(self.device)
            sample = self._sample(raw, self.sight.plain(raw.images))
            now, later = seen(net.world, sample)
            clean = net.world.latents(now, later)
            noise = torch.randn(clean.shape, generator=generator).to(clean)
            last = torch.full((len(now),), self.config.noise_steps - 1, device=now.device)
            for name, latents, step in (
                ("imagined_mae", clean, None),
                ("imagined_mae_of_noise", noise, last),
            ):
                said = net.after(self._first(sample), now, sample.columns["words"], latents, step)
                off[name] += (said - sample.columns[THEN]).abs().tolist()
        return {name: float(np.mean(values)) for name, values in off.items()}

    def describe(self) -> Description:
        """The estimator's, with both networks."""
        said = super().describe()
        config = self.config
        network = {
            "progress": config.network.model_dump(mode="json"),
            "world": config.world.model_dump(mode="json"),
            "noise_steps": config.noise_steps,
        }
        title, chunk = "Progress evaluator", f"{said.chunk}; of imagined futures, too"
        return Description(network, title, chunk, said.sampled, more=said.more, kind="estimator")
