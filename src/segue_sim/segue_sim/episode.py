"""One episode in the simulated world: what its seed puts where, and who judges what happens."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mujoco

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim import expert_names, scores
from segue_sim.layout import draw_layout
from segue_sim.variation import draw_variation
from segue_sim.world import World


class Episode(World):
    """A world that a seed arranges and a judge watches, once per control tick.

    Whoever shows an expert a moment again sets `remembered`: what the judge said at it.
    """

    remembered: TaskState | None = None

    def __init__(
        self,
        robot: RobotConfig,
        task: TaskConfig,
        seed: int = 0,
        render: bool = True,
        dress: Callable[[mujoco.MjSpec, RobotConfig], None] | None = None,
    ) -> None:
        expert_names.check(task)
        super().__init__(robot, task, render, dress)
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Starts episode `seed`: robot at the task's start pose, grippers open, things where the seed says."""
        self.seed, clearances = seed, self.clearances
        layout = draw_layout(self.task, seed, clearances)
        cameras, lights = self.model.ncam, self.model.nlight
        self.arrange(layout, draw_variation(self.task, seed, layout, clearances, cameras, lights))
        self.judge_anew()

    def judge_anew(self) -> None:
        """The judge forgets what it saw and begins with what the world is like now."""
        self._judge = scores.create(self)

    @contextmanager
    def imagined(self) -> Iterator[None]:
        """What happens inside did not happen: physics and judge go on as copies, and are put back at the end."""
        kept, driven = (self.data, self._judge, self._steps), self._drives.state
        self.data = copy.copy(self.data)
        self.judge_anew()
        try:
            yield
        finally:
            self.data, self._judge, self._steps = kept
            self._drives.restore(driven)

    def _step(self) -> None:
        super()._step()
        if self._steps % self._steps_per_tick == 0:
            self._judge.update()

    def task_state(self) -> TaskState:
        """Success, score of Table A.1 and how much is done."""
        return self._judge.state() if self.remembered is None else self.remembered
