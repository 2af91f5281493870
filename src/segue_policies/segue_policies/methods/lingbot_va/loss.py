"""What is learned: both flows of every chunk of packed sequences, from everything before it as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.model import Text, Tokens, WorldNet
from segue_policies.methods.lingbot_va.places import Places, joined, placed, visible


@dataclass(frozen=True, eq=False)
class Sequence:
    """Packed samples.

    Args:
        latents: (B, L, N, latent).
        actions: (B, L, tau, 30), normalised, that lead to each step.
        episode: (B, L), from 0.
    """

    latents: Tensor
    actions: Tensor
    episode: Tensor


@dataclass(frozen=True, eq=False)
class Draws:
    """Everything random of a loss, drawn on the CPU.

    Args:
        chunk, first: (B, L), number of each step's chunk and the step that it begins with.
        forward: (B,), true where pictures are learned from actions.
        window: (B,), steps that are looked back at.
        clean: (B, L), flow times of earlier pictures; video, action: (B, L), of targets.
        noise: (3, ...) of earlier pictures and of targets (B, L, N, latent), and of actions (B, L, tau, 30).
    """

    chunk: Tensor
    first: Tensor
    forward: Tensor
    window: Tensor
    clean: Tensor
    video: Tensor
    action: Tensor
    noise: tuple[Tensor, Tensor, Tensor]

    def to(self, device: torch.device) -> Draws:
        """The same where the network is."""
        seen, video, action = self.noise
        moved = {name: part.to(device) for name, part in vars(self).items() if isinstance(part, Tensor)}
        return replace(self, **moved, noise=(seen.to(device), video.to(device), action.to(device)))


def chunked(episode: Tensor, longest: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Chunk numbers (B, L) and first steps (B, L): an episode's first step alone, then lengths of U{1 .. longest}."""
    chunk, first = torch.zeros_like(episode), torch.zeros_like(episode)
    drawn = torch.randint(1, longest + 1, episode.shape, generator=generator).tolist()
    for sample, numbers in enumerate(episode.tolist()):
        number, begin, left = -1, 0, 0
        for step, name in enumerate(numbers):
            begins = step == 0 or name != numbers[step - 1]
            if begins or left == 0:
                number, begin, left = number + 1, step, 1 if begins else drawn[sample][step]
            left -= 1
            chunk[sample, step], first[sample, step] = number, begin
    return chunk, first


def draw(config: WorldConfig, sequence: Sequence, generator: torch.Generator) -> Draws:
    """For one loss."""
    episode = sequence.episode.cpu()
    batch, shape = len(episode), episode.shape

    def uniform(*size: int) -> Tensor:
        return torch.rand(size, generator=generator)

    chunk, first = chunked(episode, config.chunk, generator)
    low, high = config.window
    noisy = uniform(batch, 1) < config.noisy_history
    clean = config.least_clean + (1 - config.least_clean) * uniform(*shape)
    noise = 1 - uniform(*shape)
    noise = config.video_shift * noise / (1 + (config.video_shift - 1) * noise)
    sizes = (sequence.latents.shape, sequence.latents.shape, sequence.actions.shape)
    forward = uniform(batch) < config.forward_share
    window = torch.randint(low, high + 1, (batch,), generator=generator)
    clean, video, action = torch.where(noisy, clean, 1.0), 1 - noise, uniform(*shape)
    normal = tuple(torch.randn(size, generator=generator) for size in sizes)
    made = Draws(chunk, first, forward, window, clean, video, action, (normal[0], normal[1], normal[2]))
    return made.to(sequence.latents.device)


def places(net: WorldNet, sequence: Sequence, draws: Draws) -> Places:
    """Of all tokens: earlier pictures, target pictures, earlier actions, target actions."""
    steps = torch.arange(sequence.episode.shape[1], device=sequence.episode.device).expand_as(
        sequence.episode
    )
    at = (steps, draws.chunk, draws.first, sequence.episode)
    video = placed(*at, tokens=net.frame, video=True)
    action = placed(*at, tokens=net.config.every, video=False)
    return joined([video, video.as_target(), action, action.as_target()])


def mixed(values: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """The flow (B, L, n, C) of `values` at `time` (B, L)."""
    share = time[:, :, None, None]
    return share * values + (1 - share) * noise


def passed(net: WorldNet, sequence: Sequence, text: Text, draws: Draws) -> tuple[Tensor, Tensor]:
    """Velocities of all targets, pictures (B, L, N, latent) and actions (B, L, tau, 30)."""
    latents, actions, mask = sequence.latents, sequence.actions, net.units.mask
    whole = torch.ones_like(draws.clean)
    seen = mixed(latents, draws.noise[0], draws.clean)
    wanted = mixed(latents, draws.noise[1], draws.video)
    done = mixed(actions, draws.noise[2], draws.action) * mask
    steps = torch.arange(latents.shape[1], device=latents.device).expand_as(draws.chunk)
    pictures = [(seen, draws.clean), (wanted, draws.video)]
    video = _behind([net.video_tokens(part.flatten(1, 2), time, steps) for part, time in pictures])
    moves = [(actions, whole), (done, draws.action)]
    action = _behind([net.action_tokens(part.flatten(1, 2), time, steps) for part, time in moves])
    where = places(net, sequence, draws)
    looks = visible(where, where, draws.forward, draws.window)
    found, acted, _ = net(video, action, text, looks)
    return found.chunk(2, dim=1)[1].reshape(latents.shape), acted.chunk(2, dim=1)[1].reshape(actions.shape)


def losses(net: WorldNet, sequence: Sequence, text: Text, draws: Draws) -> tuple[Tensor, Tensor]:
    """Of pictures (Eq. 11, and Eq. 13 where `forward`) and of actions (Eq. 12), scalars."""
    found, acted = passed(net, sequence, text, draws)
    begins = torch.diff(sequence.episode, dim=1, prepend=-torch.ones_like(sequence.episode[:, :1])) > 0
    real = (~begins).float()
    video = (found - (sequence.latents - draws.noise[1])).square().mean(dim=(2, 3))
    mask = net.units.mask
    action = ((acted - (sequence.actions - draws.noise[2])).square() * mask).mean(dim=2).sum(
        dim=2
    ) / mask.sum()
    inverse = real * (~draws.forward).float()[:, None]
    return _mean(video, real), _mean(action, inverse)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def _behind(parts: list[Tokens]) -> Tokens:
    values, time, where = (
        torch.cat([getattr(part, name) for part in parts], dim=1) for name in ("values", "time", "where")
    )
    return Tokens(values, time, where)
