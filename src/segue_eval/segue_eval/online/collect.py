"""Episodes of a policy in lockstep, seen five times a second, as something to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue_core.observation import Observation
from segue_core.progress.estimator import period_ticks
from segue_eval.build import Runner, Setup, SimulatedRunner
from segue_eval.rollout import seen
from segue_policies.samples.rollouts import Rollout, save_rollout
from segue_scheduler.tick import TickInput, TickOutput


@dataclass(frozen=True)
class Sight:
    """What a learner is shown: cameras, and width and height of their pictures [px]."""

    cameras: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True)
class RolloutRunner:
    """Factory of episodes that are kept in `folder`/SEED.npz (picklable)."""

    setup: Setup
    sight: Sight
    folder: Path

    def __call__(self) -> Rollouts:
        """Build the world and load the policy; raises SegueError naming what is wrong."""
        instruction = self.setup.contracts()[1].instruction
        return Rollouts(SimulatedRunner(self.setup)(), self.sight, instruction, self.folder)


@dataclass(frozen=True)
class Rollouts:
    """Runs episodes and keeps what was seen; an episode is on disk when its call returns."""

    runner: Runner
    sight: Sight
    instruction: str
    folder: Path

    def __call__(self, seed: int) -> bool:
        """Whether the episode of `seed` succeeded."""
        looks: list[Observation] = []
        every = period_ticks(self.runner.space.rate_hz)

        def look(inputs: TickInput, output: TickOutput) -> None:
            if inputs.tick % every == 0:
                looks.append(seen(self.runner.plant, self.sight.cameras, self.sight.size, inputs.tick))

        result = self.runner(seed, on_tick=look)
        save_rollout(
            self.folder / f"{seed}.npz",
            Rollout(
                np.stack([np.stack([one.images[name] for name in self.sight.cameras]) for one in looks]),
                np.stack([one.state for one in looks]),
                np.array([one.tick for one in looks]),
                result.ticks - 1,
                result.rate_hz,
                result.judged,
                self.instruction,
            ),
        )
        return result.judged
