"""What the model remembers: keys and values of the steps that it was told of, up to a window. Never changed in place.

remember    context tokens of a step (or of several, as one chunk), looked at by all that come later
imagine     pictures of coming steps, from noise to a flow time
act         actions of coming steps, from noise
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from segue_policies.methods.lingbot_va.layers import Keys
from segue_policies.methods.lingbot_va.model import Text, Tokens, WorldNet


@dataclass(frozen=True, eq=False)
class Memory:
    """Kept tokens of a batch that is one, or with and without instruction two.

    Args:
        kept: keys and values of every block.
        steps: (n,), the step of each kept token.
        next: number of the next step.
    """

    kept: tuple[Keys, ...]
    steps: Tensor
    next: int = 0

    @property
    def bytes(self) -> int:
        """Of keys and values."""
        return sum(part.nbytes for keys in self.kept for part in keys)

    def since(self, step: int) -> Memory:
        """Without what is of earlier steps."""
        there = self.steps >= step
        if bool(there.all()):
            return self
        kept = tuple((k[:, :, there], v[:, :, there]) for k, v in self.kept)
        return replace(self, kept=kept, steps=self.steps[there])


@dataclass(frozen=True)
class Mind:
    """The network with an instruction.

    Args:
        text: a batch of one, or two where guidance needs the pass without instruction.
        window: steps that are looked back at.
    """

    net: WorldNet
    text: Text
    window: int

    def begin(self, step: int = 0) -> Memory:
        """Nothing, before step number `step`."""
        config, device = self.net.config, self.text.vectors.device
        empty = torch.zeros(
            len(self.text.vectors), config.heads, 0, config.width // config.heads, device=device
        )
        return Memory(tuple((empty, empty) for _ in self.net.blocks), torch.zeros(0, device=device), step)

    def remember(
        self,
        memory: Memory,
        actions: Tensor | None,
        latents: Tensor | None,
        time: float = 1.0,
        ahead: int | None = None,
    ) -> Memory:
        """The memory with the next steps as one chunk, pictures at flow time `time`.

        Args:
            actions: (steps, tau, 30), normalised, or None.
            latents: (steps, N, latent), or None.
            ahead: steps that are over afterwards; None: those of the pictures.
        """
        given = [part for part in (actions, latents) if part is not None]
        steps = self._steps(memory, len(given[0]))
        near = memory.since(memory.next - self.window)
        video = self._video(latents, time, steps)
        action = self._action(actions, 1.0, steps)
        mask = self._apart(len(near.steps), video.values.shape[1], action.values.shape[1])
        _, _, made = self.net(video, action, self.text, mask, near.kept)
        kept = tuple(
            (torch.cat([k, new_k], dim=2), torch.cat([v, new_v], dim=2))
            for (k, v), (new_k, new_v) in zip(near.kept, made, strict=True)
        )
        each = [steps[0].repeat_interleave(self.net.frame)] if latents is not None else []
        each += [steps[0].repeat_interleave(self.net.config.every)] if actions is not None else []
        over = ahead if ahead is not None else len(latents) if latents is not None else 0
        return Memory(kept, torch.cat([near.steps, *each]), memory.next + over)

    def imagine(
        self, memory: Memory, noise: Tensor, until: float, euler: int, guidance: float, begin: float = 0.0
    ) -> Tensor:
        """Pictures (steps, N, latent) of the next steps at flow time `until`, from `noise` alike at `begin`."""
        near = memory.since(memory.next - self.window)
        steps = self._steps(memory, len(noise))
        none = self._action(None, 1.0, steps)

        def velocity(values: Tensor, time: float) -> Tensor:
            found, _, _ = self.net(self._video(values, time, steps), none, self.text, None, near.kept)
            return guided(found, guidance).view_as(values)

        return integrated(velocity, noise, until, euler, begin)

    def act(self, memory: Memory, noise: Tensor, first: int, euler: int, guidance: float) -> Tensor:
        """Normalised actions (steps, tau, 30) that lead to the steps from `first` on, from `noise` alike."""
        near = memory.since(first - self.window)
        steps = self._steps(replace(memory, next=first), len(noise))
        none = self._video(None, 1.0, steps)

        def velocity(values: Tensor, time: float) -> Tensor:
            _, found, _ = self.net(none, self._action(values, time, steps), self.text, None, near.kept)
            return guided(found, guidance).view_as(values)

        return integrated(velocity, noise, 1.0, euler)

    def _steps(self, memory: Memory, count: int) -> Tensor:
        device = self.text.vectors.device
        return torch.arange(memory.next, memory.next + count, device=device)[None]

    def _video(self, values: Tensor | None, time: float, steps: Tensor) -> Tokens:
        if values is None:
            return self._none(self.net.config.latent)
        flat = values.flatten(0, 1)[None]
        return self.net.video_tokens(flat, _filled(time, steps), steps).repeated(len(self.text.vectors))

    def _action(self, values: Tensor | None, time: float, steps: Tensor) -> Tokens:
        if values is None:
            return self._none(self.net.units.mask.shape[0])
        flat = values.flatten(0, 1)[None]
        return self.net.action_tokens(flat, _filled(time, steps), steps).repeated(len(self.text.vectors))

    def _none(self, width: int) -> Tokens:
        empty = self.text.vectors.new_zeros(len(self.text.vectors), 0, width)
        return Tokens(empty, empty[..., 0], empty.new_zeros(len(empty), 0, 3))

    def _apart(self, kept: int, video: int, action: int) -> Tensor | None:
        """Pictures and actions of one chunk do not see each other, as `places.visible` says."""
        if not video or not action:
            return None
        mask = torch.zeros(video + action, kept + video + action, dtype=torch.bool)
        mask[:, :kept] = True
        mask[:video, kept : kept + video] = True
        mask[video:, kept + video :] = True
        return mask.to(self.text.vectors.device).expand(len(self.text.vectors), -1, -1)


def guided(velocities: Tensor, scale: float) -> Tensor:
    """Flattened velocity (n, C) of a batch of one, or classifier-free guidance between with and without text."""
    if len(velocities) == 1 or scale == 1.0:
        return velocities[0]
    return velocities[1] + scale * (velocities[0] - velocities[1])


def integrated(
    velocity: Callable[[Tensor, float], Tensor], noise: Tensor, until: float, steps: int, begin: float = 0.0
) -> Tensor:
    """Euler's method from `noise` at flow time `begin` to `until`; shape is kept."""
    values, width = noise, (until - begin) / steps
    for step in range(steps):
        values = values + width * velocity(values, begin + step * width)
    return values


def _filled(time: float, steps: Tensor) -> Tensor:
    return torch.full(steps.shape, time, device=steps.device)
