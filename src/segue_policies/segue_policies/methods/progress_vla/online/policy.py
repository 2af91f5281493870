"""A policy finetuned with its own episodes: its estimator first, then its expert by the guidance it would be given.

    eps~ = eps - sigma / alpha grad Q(s, x_tau)        L = |eps~ - eps_theta(x_tau, tau, s)|^2       Eq. 19 and 20

Q is the evaluator's progress after the noisy latent action of what really followed. World model and decoder stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.checkpoint import load_checkpoint, method_of
from segue_policies.deployment import Deployment
from segue_policies.methods.progress_vla.online.config import PolicyOnlineConfig
from segue_policies.methods.progress_vla.online.episodes import Watched, watch
from segue_policies.methods.progress_vla.online.estimator import improved
from segue_policies.methods.progress_vla.online.record import card, save_finetuned
from segue_policies.methods.progress_vla.policy.model import PolicyNet
from segue_policies.methods.progress_vla.policy.policy import ProgressVlaPolicy
from segue_policies.methods.progress_vla.policy.sampling import uphill
from segue_policies.networks.noise_schedule import squared_cosine
from segue_policies.samples.normaliser import Normaliser
from segue_policies.samples.rollouts import Rollout
from segue_policies.training.seeds import RandomStream, numpy_rng, torch_rng

_CLIP = 1.0


def finetune(
    folder: Path, rollouts: Sequence[Rollout], settings: Mapping[str, Any], out: Path
) -> dict[str, float]:
    """See `segue_policies.online_finetuning.learn_online`."""
    config = parse_model(dict(settings), PolicyOnlineConfig, "learn")
    method = method_of(folder)
    begun = load_checkpoint(folder, method)
    policy = ProgressVlaPolicy(Deployment(folder, method=method))
    net, device = policy.net, next(policy.net.parameters()).device
    watched = watch(rollouts, policy.picture_encoder, net.settings.progress, device)
    scores, _, learned = improved(net.evaluator.progress, net.evaluator, watched, config)
    losses = distil(net, begun.normaliser, watched, config)
    scores |= {"distilled_loss": float(np.mean(losses[-20:]))} if losses else {}
    known = (begun.config.settings.model_extra or {}).get("instructions", ())
    told = {"instructions": list(dict.fromkeys([*known, *(one.instruction for one in rollouts)]))}
    text = f"{learned} episodes that succeeded taught its estimator, all {len(rollouts)} its expert."
    steps = config.steps + config.distil_steps
    save_finetuned(begun, net, out, told, steps, card("ProgressVLA", text, config, scores))
    return scores


def distil(
    net: PolicyNet, normaliser: Normaliser, watched: Sequence[Watched], config: PolicyOnlineConfig
) -> list[float]:
    """Train the expert; returns the losses, one per step."""
    moments = transitions(watched, net.settings.world.after)
    net.expert.requires_grad_(True).train()
    optimiser = torch.optim.AdamW(net.expert.parameters(), lr=config.learning_rate)
    losses = []
    for step in range(config.distil_steps):
        rng = numpy_rng(config.seed, RandomStream.AUGMENT, step)
        chosen = moments[rng.choice(len(moments), min(config.batch_size, len(moments)), replace=False)]
        generator = torch_rng(config.seed, RandomStream.AUGMENT, step)
        loss = distilled_loss(net, normaliser, watched, chosen, config.guidance, generator)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.expert.parameters(), _CLIP)
        optimiser.step()
        losses.append(float(loss.detach()))
    net.expert.requires_grad_(False).eval()
    return losses


def transitions(watched: Sequence[Watched], after: int) -> NDArray[np.int64]:
    """Rows (m, 3): episode, moment, and the moment `after` ticks later; ConfigError where there is none."""
    rows = [
        (e, moment, int(np.searchsorted(one.rollout.ticks, tick + after)))
        for e, one in enumerate(watched)
        for moment, tick in enumerate(one.rollout.ticks)
        if tick + after <= one.rollout.ticks[-1]
    ]
    if not rows:
        text = f"no episode is longer than the {after} ticks of a latent action"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do="give a longer time_limit_s")
    return np.array(rows, dtype=np.int64)


def distilled_loss(
    net: PolicyNet,
    normaliser: Normaliser,
    watched: Sequence[Watched],
    moments: NDArray[np.int64],
    guidance: float,
    generator: torch.Generator,
) -> Tensor:
    """Eq. 20 of `moments` (m, 3), a scalar."""
    of_them = [watched[e].batch(np.array([now, later])) for e, now, later in moments]
    first, now, later = (
        torch.stack(part)
        for part in zip(*((maps[0], both[0], both[1]) for maps, both, _ in of_them), strict=True)
    )
    words = torch.cat([told[:1] for _, _, told in of_them])
    state = torch.from_numpy(np.stack([watched[e].rollout.state[t] for e, t, _ in moments])).to(now)
    with torch.no_grad():
        world, schedule = net.evaluator.world, squared_cosine(net.settings.diffusion.latent_train_steps)
        tokens = world.observe(now)
        latents = world.latents(tokens, world.observe(later))
        context = net(now, normaliser.encode_state(state), words)
        step = torch.randint(net.settings.diffusion.latent_train_steps, (len(now),), generator=generator)
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = schedule.noisy(latents, noise, step.to(now.device))
    target = noise
    if guidance:
        progress = partial(net.evaluator.after, first, tokens, words)
        kept = torch.tensor([schedule.share(int(one)) for one in step]).to(noise).view(-1, 1, 1)
        target = noise - guidance * (1 - kept).sqrt() * uphill(progress, noisy, step.to(now.device))
    return (net.latent_noise(noisy, step.to(now.device), context) - target).square().mean()
