"""Does a recorded run replay bit for bit? The recorded inputs through a new scheduler, tick by tick.

Compared at every recorded tick: the command (D float64, byte by byte), the phase, whether it starved, and of every
seam its chunk, first tick, delay, dropped rows and jump (float64, exactly). Not compared: the policy, whose answers are
part of the inputs, and everything behind the command (controller, safety guard, robot).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue_eval.compare.recorded import RecordedRun
from segue_scheduler.replay import Difference, differences, replay
from segue_scheduler.scheduler import ChunkScheduler


@dataclass(frozen=True)
class Verification:
    """What was compared and where it differed."""

    run_id: str
    ticks: int
    compared: int
    seams: int
    found: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Every compared tick is equal, and there was something to compare."""
        return self.compared > 0 and not self.found

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "run_id": self.run_id,
            "identical": self.identical,
            "ticks": self.ticks,
            "compared": self.compared,
            "seams": self.seams,
            "differences": [str(difference) for difference in self.found[:20]],
            "differing_ticks": len({difference.tick for difference in self.found}),
        }

    def lines(self) -> Sequence[str]:
        """For people."""
        head = f"{self.run_id}: {self.ticks} ticks replayed, {self.compared} compared, {self.seams} seams"
        if self.identical:
            return [head, "identical: commands, phases, starvation and seams, bit for bit"]
        ticks = len({difference.tick for difference in self.found})
        what = [f"  {difference}" for difference in self.found[:5]]
        return [head, f"NOT identical: {ticks} ticks differ" if ticks else "nothing to compare", *what]


def verify(run: RecordedRun) -> Verification:
    """Replay `run`; raises SegueError when its configuration cannot run (another version of a continuation, say)."""
    scheduler = ChunkScheduler(run.config(), run.info.action_space, run.info, run.settings.seed)
    outputs = replay(scheduler, run.recording)
    return Verification(
        run_id=run.run_id,
        ticks=len(outputs),
        compared=sum(output.tick in run.witnesses for output in outputs),
        seams=sum(witness.joint is not None for witness in run.witnesses.values()),
        found=tuple(differences(outputs, run.witnesses)),
    )
