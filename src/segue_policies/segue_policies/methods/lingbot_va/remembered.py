"""What a served policy was told, step by step: enough to make its memory again when the instruction changes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue_core.arrays import Floats
from segue_policies.methods.lingbot_va.memory import Memory, Mind


@dataclass(frozen=True, eq=False)
class Step:
    """One thing that was told.

    Args:
        tick: of the picture.
        actions: (steps, tau, 30), normalised; more than one step where pictures were lost.
        latents: (1, N, latent).
    """

    tick: int
    actions: Tensor
    latents: Tensor


@dataclass(eq=False)
class Remembered:
    """Of one episode.

    Args:
        steps: at most the window.
        seen: what is kept of earlier pictures, which the next latent picture is made with.
        shots: pictures since the last step, (cameras, 3, h, w), and `since` the rows (n, D) that were executed.
        instruction: that `memory` was made with; None before the first request.
        imagined: by number of a step, (N, latent), as it was predicted first.
        planned: by tick, (30,), what was answered.
        count: number of the next step.
    """

    steps: deque[Step]
    seen: Any = None
    instruction: str | None = None
    memory: Memory | None = None
    imagined: dict[int, Tensor] = field(default_factory=dict)
    planned: dict[int, Floats] = field(default_factory=dict)
    count: int = 0
    shots: list[Tensor | None] = field(default_factory=list)
    since: list[Floats] = field(default_factory=list)

    def branch(self) -> Remembered:
        """One that hears nothing of what happens to this one, and the other way round."""
        kept = (self.steps.copy(), self.seen, self.instruction, self.memory)
        made = Remembered(*kept, dict(self.imagined), dict(self.planned), self.count)
        made.shots, made.since = list(self.shots), list(self.since)
        return made

    @property
    def tick(self) -> int:
        """Of the last picture."""
        return self.steps[-1].tick

    @property
    def last(self) -> Floats:
        """The action (30,) before the last picture, normalised."""
        made: Floats = self.steps[-1].actions[-1, -1].double().cpu().numpy()
        return made

    def look(self, rows: Floats, shown: Tensor | None, shots: int) -> tuple[Floats, Tensor] | None:
        """What was executed (n, D) since the last look, and the picture (cameras, 3, h, w), None where it was lost.

        The last one of `shots` makes a step: all that was executed, and pictures (shots, cameras, 3, h, w). A lost one
        is as the one before it; where all are lost, the next step has the actions of both.
        """
        self.since.append(rows)
        self.shots.append(shown)
        recent = self.shots[-shots:]
        found = [each for each in recent if each is not None]
        if len(self.shots) % shots or not found:
            return None
        pictures, last = [], found[0]
        for each in recent:
            last = last if each is None else each
            pictures.append(last)
        executed = np.concatenate(self.since)
        self.since, self.shots = [], []
        return executed, torch.stack(pictures)

    def add(self, step: Step, mind: Mind | None) -> None:
        """Told of `step`; with a mind the memory goes on by it."""
        self.steps.append(step)
        self.count += len(step.actions)
        self.imagined = {number: z for number, z in self.imagined.items() if number >= self.count}
        self.planned = {tick: row for tick, row in self.planned.items() if tick >= step.tick}
        if mind is not None and self.memory is not None:
            self.memory = _with(mind, self.memory, step)

    def recalled(self, mind: Mind) -> Memory:
        """The memory, made again from the steps that are left."""
        memory = mind.begin(self.count - sum(len(step.actions) for step in self.steps))
        for step in self.steps:
            memory = _with(mind, memory, step)
        self.memory = memory
        return memory

    def as_predicted(self, tick: int, executed: Floats) -> Floats:
        """Actions (n, 30) of the ticks before `tick`: as they were answered, where they were."""
        rows = [self.planned.get(tick - len(executed) + k, row) for k, row in enumerate(executed)]
        return np.stack(rows) if rows else executed


def _with(mind: Mind, memory: Memory, step: Step) -> Memory:
    *without, last = step.actions.split(1)
    for actions in without:
        memory = mind.remember(memory, actions, None, ahead=1)
    return mind.remember(memory, last, step.latents)
