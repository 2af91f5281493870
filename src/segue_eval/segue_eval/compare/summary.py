"""The numbers of a comparison: a line per continuation, and every continuation against one, paired by seam."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue_core.blending import difference
from segue_eval.compare.recorded import RecordedRun
from segue_eval.compare.rerun import Rerun
from segue_eval.smoothness import smoothness
from segue_eval.statistics import Estimate, PairedDifference, estimate, paired_difference
from segue_eval.suite.table import number

RECORDED = "recorded"


@dataclass(frozen=True)
class Line:
    """One continuation. Overlap RMSE and jump are times 1000, as the Legato paper prints; `away` is in action units."""

    name: str
    seams: int
    overlap: Estimate
    jump: Estimate
    jump_max: float
    nsparc: float
    nldlj: float
    delay: float
    starved: int
    away: float

    def cells(self) -> list[str]:
        """For a table, in the order of `HEADER`."""
        return [
            self.name, str(self.seams), self.overlap.text(), self.jump.text(), number(self.jump_max, 3),
            number(self.nsparc), number(self.nldlj), number(self.delay, 3), str(self.starved), number(self.away, 3),
        ]  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "continuation": self.name,
            "seams": self.seams,
            "overlap_motion_x1e3": self.overlap.to_dict(),
            "seam_jump_x1e3": self.jump.to_dict(),
            "seam_jump_max_x1e3": _plain(self.jump_max),
            "nsparc": _plain(self.nsparc),
            "nldlj": _plain(self.nldlj),
            "delay_ticks": _plain(self.delay),
            "starved_ticks": self.starved,
            "rms_from_recorded": _plain(self.away),
        }


HEADER = ["continuation", "seams", "overlap RMSE x1e3", "seam jump x1e3", "max", "NSPARC", "NLDLJ", "delay", "starved",
          "from recorded"]  # fmt: skip


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def overlaps(rerun: Rerun) -> dict[int, float]:
    """Overlap RMSE times 1000 of what moves an arm, by the tick of the seam; a first chunk has none."""
    return {s.tick: 1e3 * s.overlap_motion for s in rerun.seams if s.overlap_motion is not None}


def jumps(rerun: Rerun) -> dict[int, float]:
    """Jump times 1000 of every seam after the first chunk's, which begins from rest."""
    return {s.tick: 1e3 * s.jump for s in rerun.seams if s.overlap_motion is not None}


def line_of(rerun: Rerun, run: RecordedRun) -> Line:
    """The numbers of a continuation."""
    leaps = list(jumps(rerun).values())
    return Line(
        name=rerun.continuation,
        seams=len(leaps),
        overlap=estimate(overlaps(rerun).values()),
        jump=estimate(leaps),
        jump_max=max(leaps, default=math.nan),
        nsparc=rerun.smooth.nsparc,
        nldlj=rerun.smooth.nldlj,
        delay=estimate(seam.delay for seam in rerun.seams).mean,
        starved=rerun.starved,
        away=_away(rerun, run),
    )


def _away(rerun: Rerun, run: RecordedRun) -> float:
    """Root mean square distance of the commands from the recorded ones, summed over dimensions."""
    known = [i for i, tick in enumerate(rerun.ticks) if int(tick) in run.witnesses]
    if not known:
        return math.nan
    recorded = np.stack([run.witnesses[int(rerun.ticks[i])].action for i in known])
    gap = difference(run.info.action_space, recorded, rerun.commands[known])
    return float(np.sqrt(np.mean(np.sum(gap**2, axis=1))))


def recorded_line(run: RecordedRun) -> Line:
    """The numbers of the run as it was recorded: closed loop, with the continuation that was running."""
    joints = [run.witnesses[tick].joint for tick in run.ticks if tick in run.witnesses]
    seams = [joint for joint in joints if joint is not None]
    rows = [row for row, joint in enumerate(joints) if joint is not None]
    commands = run.commands()
    smooth = smoothness(commands, run.info.action_space, rows)
    leaps = [1e3 * joint.jump for joint in seams[1:]]
    return Line(
        name=f"{RECORDED} ({run.continuation})",
        seams=len(leaps),
        overlap=estimate(1e3 * value for value in run.overlaps),
        jump=estimate(leaps),
        jump_max=max(leaps, default=math.nan),
        nsparc=smooth.nsparc,
        nldlj=smooth.nldlj,
        delay=estimate(joint.delay for joint in seams).mean,
        starved=sum(witness.starved for witness in run.witnesses.values()),
        away=0.0,
    )


def against(base: Rerun, others: Sequence[Rerun]) -> Mapping[str, dict[str, PairedDifference]]:
    """Every other continuation minus `base`, paired by seam: overlap RMSE and jump, times 1000."""
    return {
        other.continuation: {
            "overlap_motion_x1e3": paired_difference(overlaps(other), overlaps(base)),
            "seam_jump_x1e3": paired_difference(jumps(other), jumps(base)),
        }
        for other in others
        if other is not base
    }


def difference_text(value: PairedDifference) -> str:
    """`+3.10 [+1.20, +5.00]`; a dash below two common seams."""
    if value.estimate.count < 2:
        return "-"
    return f"{value.estimate.mean:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def difference_dict(value: PairedDifference) -> dict[str, float | int | None]:
    """Plain data for JSON."""
    return {
        "difference": _plain(value.estimate.mean),
        "standard_error": _plain(value.estimate.standard_error),
        "interval_low": _plain(value.low),
        "interval_high": _plain(value.high),
        "p_value": _plain(value.p_value),
        "n": value.estimate.count,
    }
