"""Replaying is feeding the same inputs again: the scheduler has no other source of anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import SeamReport, TickInput, TickOutput


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


@dataclass(frozen=True)
class Joint:
    """The numbers of a seam that a recording keeps."""

    sequence: int
    start_tick: int  # tick of the chunk's row 0
    delay: int
    dropped_rows: int
    jump: float


@dataclass(frozen=True, eq=False)
class Witness:
    """What a run published at one tick: command (D,), phase, starvation, and the seam, if there was one.

    `correction` (D,) of a corrector is part of the command; a replay has none, it is given what was recorded.
    """

    action: NDArray[np.float64]
    phase: str
    starved: bool
    joint: Joint | None = None
    correction: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Difference:
    """The field `what` of a tick, as recorded and as replayed."""

    tick: int
    what: str
    recorded: object
    replayed: object

    def __str__(self) -> str:
        return f"tick {self.tick}: {self.what}: recorded {self.recorded}, replayed {self.replayed}"


def differences(outputs: list[TickOutput], witnesses: Mapping[int, Witness]) -> list[Difference]:
    """Where a replay is not the run that was recorded; empty when everything is equal, bit for bit.

    A tick without a witness is not compared: its messages were not recorded.
    """
    pairs = [(output, witnesses[output.tick]) for output in outputs if output.tick in witnesses]
    return [difference for output, witness in pairs for difference in _compare(output, witness)]


def _compare(output: TickOutput, witness: Witness) -> list[Difference]:
    recorded = np.ascontiguousarray(witness.action, dtype=np.float64)
    command = output.action if witness.correction is None else output.action + witness.correction
    replayed = np.ascontiguousarray(command, dtype=np.float64)
    found = []
    if recorded.tobytes() != replayed.tobytes():
        found.append(Difference(output.tick, "command", recorded.tolist(), replayed.tolist()))
    rest = (
        ("phase", witness.phase, str(output.phase)),
        ("starved", witness.starved, output.starved),
        ("seam", witness.joint, _joint(output.seam)),
    )
    return found + [Difference(output.tick, what, old, new) for what, old, new in rest if old != new]


def _joint(seam: SeamReport | None) -> Joint | None:
    if seam is None:
        return None
    return Joint(seam.sequence, seam.tick - seam.dropped_rows, seam.delay, seam.dropped_rows, seam.jump)
