"""Worlds that others wrote, such as a benchmark's: what one brings so that policies are tried, recorded, trained in it.

A task of theirs is called FAMILY/NAME. A family is an entry point of the group `segue.worlds`, which names a function
without arguments that returns a `Family`; or a folder of `segue_sim.worlds` with a function `create`. Such a world is
its own judge and has its own clock, so it runs in lockstep only: `segue eval`, `segue data record`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Seconds
from segue_core.task_state import TaskState

GROUP = "segue.worlds"


class Plant(Protocol):
    """Something that executes one action per tick. One thread; `reset` starts an episode at tick 0."""

    def reset(self, seed: int) -> None:
        """Put everything where `seed` says; equal seeds give equal episodes."""
        ...

    def measured(self) -> NDArray[np.float64]:
        """Measured state in the action space, (D,)."""
        ...

    def images(self) -> Mapping[str, NDArray[np.uint8]]:
        """What the cameras see now, RGB (h, w, 3), at their native size."""
        ...

    def execute(self, action: NDArray[np.float64], tick: int) -> None:
        """Carry out `action` (D,) for the length of one tick."""
        ...

    def task_state(self) -> TaskState:
        """Success and score now."""
        ...

    def interventions(self) -> Mapping[str, int]:
        """What the safety guard changed since the episode began, by kind."""
        ...

    def world_state(self) -> NDArray[np.float64] | None:
        """The whole state of a simulated world (n,), for recordings and no policy; None where there is none."""
        ...


@runtime_checkable
class WorldPlant(Plant, Protocol):
    """The plant of a world that others wrote; its expert is privileged, and the only one who is."""

    def expert_action(self) -> Floats:
        """The action (D,) that the world's own expert takes now; ConfigError where there is no expert."""
        ...

    def imagined(self) -> AbstractContextManager[None]:
        """What is executed inside did not happen, and the expert has not seen it."""
        ...


class WorldRobot(StrictModel):
    """Who acts in a world: actions that are told and measured, and cameras; nothing is known of joints."""

    name: str = Field(description="who it is, such as metaworld/sawyer")
    action_space: ActionSpace = Field(description="actions and measured state, at the world's rate")
    cameras: tuple[str, ...] = Field(min_length=1, description="what a policy may see")

    @property
    def tick_rate_hz(self) -> float:
        """Ticks per second."""
        return self.action_space.rate_hz

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with what the robot is."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class WorldTask(StrictModel):
    """What is to be done in a world; where things are is the world's business, and the seed's."""

    name: str = Field(description="FAMILY/NAME, as commands take it")
    instruction: str = Field(description="what a policy with language is told")
    robot: str = Field(description="the name of who acts")
    time_limit_s: Seconds = Field(description="an episode that is not done by then has failed [s]")


@dataclass(frozen=True)
class World:
    """One task of a family. `plant` makes the world itself, which may take long; it renders if it is told True."""

    robot: WorldRobot
    task: WorldTask
    plant: Callable[[bool], WorldPlant]


class Family(Protocol):
    """The tasks of one benchmark."""

    def names(self) -> Sequence[str]:
        """Names of the tasks, without the family's; none while what they need is not installed."""
        ...

    def world(self, name: str) -> World:
        """The task of that name.

        Raises:
            ConfigError: there is no such task, or what it needs is not installed, and how to install it.
        """
        ...
