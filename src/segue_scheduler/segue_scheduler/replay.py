"""Replaying is feeding the same inputs again: the scheduler has no other source of anything."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import TickInput, TickOutput


@dataclass(eq=False)
class Recording:
    """How a run was started, and what every tick was given, in order."""

    start_tick: int
    measured: NDArray[np.float64]  # (D,)
    inputs: list[TickInput] = field(default_factory=list)


def replay(scheduler: ChunkScheduler, recording: Recording) -> list[TickOutput]:
    """Run `recording` through a scheduler built with the same configuration, policy information and seed.

    A new scheduler gives byte-identical commands. One that already ran numbers its requests on, so recorded
    answers would be unknown to it.

    Raises:
        SchedulerError: the recorded ticks are out of order, or the start pose is not usable.
    """
    scheduler.start(recording.start_tick, recording.measured)
    return [scheduler.step(inputs) for inputs in recording.inputs]


def commands(outputs: list[TickOutput]) -> NDArray[np.float64]:
    """The commands of a run, (T, D)."""
    return np.stack([output.action for output in outputs])
