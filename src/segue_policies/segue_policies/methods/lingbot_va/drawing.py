"""Algorithms 1 and 2: pictures of the next steps from a memory, and the actions that lead to them.

predict     memory -> pictures, partly denoised -> actions that lead to them
ground      memory, actions that are executed meanwhile -> what they lead to -> memory of both
go_on       the same with pictures that were imagined before (naive)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.memory import Memory, Mind


@dataclass(frozen=True)
class Denoising:
    """How pictures and actions are drawn; see `WorldConfig`."""

    until: float
    video_steps: int
    action_steps: int
    video_guidance: float
    action_guidance: float

    @classmethod
    def of(cls, config: WorldConfig) -> Denoising:
        """As the settings say."""
        steps = (config.video_until, config.video_steps, config.action_steps)
        return cls(*steps, config.video_guidance, config.action_guidance)

    @property
    def guided(self) -> bool:
        """Whether passes without instruction are needed."""
        return self.video_guidance != 1.0 or self.action_guidance != 1.0


@dataclass(frozen=True)
class Drawing:
    """Draws with one generator, so that equal memories and seeds give equal answers."""

    mind: Mind
    how: Denoising
    generator: torch.Generator

    def predict(self, memory: Memory, count: int) -> tuple[Tensor, Tensor]:
        """Pictures (count, N, latent) at flow time `until`, and normalised actions (count, tau, 30)."""
        net, how = self.mind.net, self.how
        pictures = self._pictures(memory, count)
        seen = self.mind.remember(memory, None, pictures, how.until)
        noise = self._noise(count, net.config.every, net.units.mask.shape[0]) * net.units.mask
        actions = self.mind.act(seen, noise, memory.next, how.action_steps, how.action_guidance)
        return pictures, actions * net.units.mask

    def ground(self, memory: Memory, actions: Tensor) -> tuple[Memory, Tensor]:
        """The memory with `actions` (count, tau, 30) and what they lead to, and these pictures (count, N, latent)."""
        pictures = self._pictures(self.mind.remember(memory, actions, None), len(actions))
        return self.go_on(memory, actions, pictures), pictures

    def go_on(self, memory: Memory, actions: Tensor, pictures: Tensor) -> Memory:
        """The memory with `actions` (steps, tau, 30) and imagined `pictures` (steps, N, latent)."""
        return self.mind.remember(memory, actions, pictures, self.how.until)

    def finished(self, memory: Memory, pictures: Tensor) -> Tensor:
        """Pictures (count, N, latent) as `predict` gave them, denoised to the end in one step."""
        how = self.how
        if how.until == 1.0:
            return pictures
        return self.mind.imagine(memory, pictures, 1.0, 1, how.video_guidance, begin=how.until)

    def _pictures(self, memory: Memory, count: int) -> Tensor:
        net, how = self.mind.net, self.how
        noise = self._noise(count, net.frame, net.config.latent)
        return self.mind.imagine(memory, noise, how.until, how.video_steps, how.video_guidance)

    def _noise(self, *size: int) -> Tensor:
        return torch.randn(size, generator=self.generator).to(self.mind.text.vectors.device)


def guided_rows(text_rows: Tensor, how: Denoising) -> Tensor:
    """Rows (1, longest) of an instruction, or (2, longest) with none behind it where guidance needs both."""
    return torch.cat([text_rows, torch.zeros_like(text_rows)]) if how.guided else text_rows
