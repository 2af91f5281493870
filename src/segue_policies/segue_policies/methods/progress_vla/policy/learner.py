"""The policy in the shared training loop: the squared error of both noises; its evaluator stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from segue_core.history import FIRST
from segue_policies.methods.progress_vla.policy.config import PolicyTraining
from segue_policies.methods.progress_vla.policy.model import PolicyNet, build_network
from segue_policies.methods.progress_vla.policy.sampling import Networks, draw
from segue_policies.methods.progress_vla.world.learner import seen
from segue_policies.methods.progress_vla.world.transitions import cached, transitions
from segue_policies.networks.noise_schedule import squared_cosine
from segue_policies.networks.words import word_rows
from segue_policies.samples.batches import Column
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import seeded

HISTORY = (FIRST, 0)
"""Observations of a request: the estimator compares the newest with the first."""


class PolicyLearner(SupervisedLearner[PolicyTraining, PolicyNet]):
    """An observation, the latent action of what followed it, and the chunk."""

    encoder_part = "context."

    def build(self) -> PolicyNet:
        """A fresh network; the evaluator is another training's."""
        net = build_network(self.config, self.shape)
        net.evaluator.requires_grad_(False)
        return net

    def columns(self) -> Mapping[str, Column]:
        """The transition, and the words of the instruction."""
        numbers, row = np.unique(np.asarray(self.data.episode), return_inverse=True)
        told = [self.data.instruction(int(number)) for number in numbers]
        self.instructions = tuple(dict.fromkeys(told))
        language = self.config.progress
        words = np.stack([word_rows(text, language.longest, language.word_buckets) for text in told])
        features = cached(self.sight, self.config.method)
        return {"words": words[row], **transitions(self.data, features, self.config.world.after)}

    def loss_of(self, net: PolicyNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Mean squared errors of the latent action's noise and of the chunk's, added; a scalar."""
        if not net.training:
            return self._loss(net, sample, generator)
        with seeded(generator):
            return self._loss(net, sample, generator)

    def _loss(self, net: PolicyNet, sample: Sample, generator: torch.Generator) -> Tensor:
        diffusion, draws = self.config.diffusion, self.config.diffusion.draws
        with torch.no_grad():
            latents = net.evaluator.world.latents(*seen(net.evaluator.world, sample))
        context = net(sample.images, sample.state, sample.columns["words"])
        context, latents, rows, real = (
            x.repeat_interleave(draws, dim=0) for x in (context, latents, sample.actions, sample.real)
        )
        of_latents, of_rows = (
            squared_cosine(count) for count in (diffusion.latent_train_steps, diffusion.action_train_steps)
        )

        def drawn(like: Tensor, steps: int) -> tuple[Tensor, Tensor]:
            step = torch.randint(steps, (len(like),), generator=generator).to(like.device)
            return torch.randn(like.shape, generator=generator).to(like), step

        noise, step = drawn(latents, diffusion.latent_train_steps)
        found = net.latent_noise(of_latents.noisy(latents, noise, step), step, context)
        loss = (found - noise).square().mean()
        noise, step = drawn(rows, diffusion.action_train_steps)
        plan = of_latents.noisy(latents, torch.randn(latents.shape, generator=generator).to(latents), step)
        found = net.action_noise(of_rows.noisy(rows, noise, step), plan, step, context)
        mask = real.unsqueeze(-1).to(noise)
        return loss + ((found - noise).square() * mask).sum() / (mask.sum() * noise.shape[-1]).clamp(min=1)

    def sample(self, net: PolicyNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks (B, H, D) as the policy draws them unguided."""
        context, world = net(sample.images, sample.state, sample.columns["words"]), self.config.world
        shapes = (len(context), world.latents, world.latent_width), sample.actions.shape
        first, second = (torch.randn(shape, generator=generator).to(context) for shape in shapes)
        return draw(networks(net, context), self.config.diffusion, (first, second))[1]

    def describe(self) -> Description:
        """A chunk of two diffusions."""
        diffusion = self.config.diffusion
        steps = diffusion.latent_steps + diffusion.joint_steps
        drawn = f"DDIM, {diffusion.latent_steps} steps of a latent action and {diffusion.joint_steps} of both"
        chunk = f"horizon {self.horizon} at {self.data.rate_hz:g} Hz, {drawn}"
        more = {"history": list(HISTORY), "instructions": list(self.instructions)}
        return Description(
            self.config.own(), "ProgressVLA", chunk, f"unguided chunks, {drawn}", steps, more=more
        )


def networks(net: PolicyNet, context: Tensor) -> Networks:
    """Both denoisers in front of a context `(B, M, W)`."""
    return Networks(
        lambda latents, step: net.latent_noise(latents, step, context),
        lambda rows, latents, step: net.action_noise(rows, latents, step, context),
    )
