"""Experts that go on from where somebody else has brought the robot.

A script has no middle to be put into, so a new one is shown from the start what was commanded and what came of it:

    episode     m0  m1  m2  m3  m4 ...            commanded by a policy
    seen        ---see---see---see---|
    taking_over     a new expert watches m0 .. m3 and acts from m4 on; the next one watches from m0 again

The pick-and-place expert needs no past: it looks at the world and at what was planned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from segue_core.arrays import Floats
from segue_core.errors import ConfigError, ErrorCode
from segue_core.task_state import TaskState
from segue_sim import experts, snapshot
from segue_sim.episode import Episode
from segue_sim.experts import Expert
from segue_sim.experts.base import ScriptedExpert
from segue_sim.snapshot import Snapshot


@runtime_checkable
class Entering(Protocol):
    """An expert that begins anywhere, of itself."""

    def taking_over(self, actions: Floats, plan: Floats) -> Expert:
        """An expert that goes on now from the last of the commanded `actions` (n, D); `plan` (m, D) was intended."""
        ...


@dataclass(frozen=True, eq=False)
class Moment:
    """What somebody else saw, and the action (D,) that they commanded then."""

    world: Snapshot
    task: TaskState
    action: Floats


@dataclass(frozen=True, eq=False)
class Witness:
    """Has seen an episode by somebody else from its start on, and finds who goes on from now. It is never changed."""

    world: Episode
    start: Snapshot
    seen: tuple[Moment, ...] = ()

    def see(self, action: Floats) -> Witness:
        """With an action (D,) that is about to be carried out."""
        now = Moment(snapshot.take(self.world), self.world.task_state(), np.array(action, dtype=np.float64))
        return replace(self, seen=(*self.seen, now))

    def taking_over(self, plan: Floats) -> Expert:
        """An expert that goes on now, after at least one action; `plan` (m, D) was intended.

        Raises:
            ConfigError: the task's expert cannot.
        """
        with self.world.imagined():
            snapshot.put(self.world, self.start)
            expert = experts.create(self.world, self.start.seed)
            if isinstance(expert, ScriptedExpert):
                self._show(expert)
        if isinstance(expert, ScriptedExpert):
            expert.take_over()
            return expert
        if isinstance(expert, Entering):
            return expert.taking_over(np.array([moment.action for moment in self.seen[-2:]]), plan)
        name = self.world.task.expert
        expected = "a ScriptedExpert, or one with a method taking_over"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "expert", got=name, expected=expected)

    def _show(self, expert: ScriptedExpert) -> None:
        try:
            for moment in self.seen:
                snapshot.put(self.world, moment.world)
                self.world.remembered = moment.task
                expert.watch(moment.action)
        finally:
            self.world.remembered = None


def witness(world: Episode) -> Witness:
    """Of the episode that begins now."""
    return Witness(world, snapshot.take(world))
