"""Everything that a comparison found, as table, JSON and page need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from segue_eval.compare.recorded import RecordedRun
from segue_eval.compare.rerun import Rerun
from segue_eval.compare.summary import (
    HEADER,
    Line,
    against,
    difference_dict,
    difference_text,
    line_of,
    recorded_line,
)
from segue_eval.statistics import PairedDifference
from segue_eval.suite.table import Rows, number

OPEN_LOOP = (
    "Open loop: every continuation saw the recorded observations and moved nothing, so its seams can be compared; "
    "how the task would have gone on cannot. Intervals are about the seams of this one recording."
)

WAITING = "stands still while the policy thinks, which the recorded robot did not: its seams are not like the others'"


def _difference_row(continuation: str, overlap: PairedDifference, jump: PairedDifference) -> list[str]:
    p_value = number(overlap.p_value, 2)
    return [
        continuation,
        difference_text(overlap),
        difference_text(jump),
        p_value,
        str(overlap.estimate.count),
    ]


@dataclass(frozen=True)
class Comparison:
    """Reruns of one recording; `absent` says of every continuation that could not be run why."""

    run: RecordedRun
    reruns: tuple[Rerun, ...]
    absent: Mapping[str, str]

    @property
    def base(self) -> Rerun | None:
        """The continuation that others are held against: the recorded one, else the first."""
        same = [rerun for rerun in self.reruns if rerun.continuation == self.run.continuation]
        return next(iter([*same, *self.reruns]), None)

    def by_reason(self) -> dict[str, list[str]]:
        """Continuations that could not be run, by why: thirteen of them often lack one and the same checkpoint."""
        found: dict[str, list[str]] = {}
        for continuation, why in self.absent.items():
            found.setdefault(why, []).append(continuation)
        return found

    @cached_property
    def lines(self) -> list[Line]:
        """Recorded first, then every continuation."""
        return [recorded_line(self.run), *(line_of(rerun, self.run) for rerun in self.reruns)]

    @cached_property
    def differences(self) -> Mapping[str, dict[str, PairedDifference]]:
        """Every continuation against the base."""
        return against(self.base, self.reruns) if self.base else {}

    def table(self) -> Rows:
        """Header and a row per line."""
        return [HEADER, *(line.cells() for line in self.lines)]

    def difference_table(self) -> Rows:
        """Header and a row per continuation that shares seams with the base; only the header when none does."""
        name = self.base.continuation if self.base else ""
        header = [
            "continuation",
            f"overlap RMSE x1e3 minus {name} [95 %]",
            f"seam jump x1e3 minus {name} [95 %]",
            "p",
            "n",
        ]
        found = [(continuation, list(pair.values())) for continuation, pair in self.differences.items()]
        return [
            header,
            *(_difference_row(continuation, *pair) for continuation, pair in found if pair[0].estimate.count),
        ]

    @property
    def notes(self) -> dict[str, list[str]]:
        """What the scheduler said, and what must be known to read a continuation's line."""
        said = {rerun.continuation: list(rerun.notes) for rerun in self.reruns}
        for rerun in self.reruns:
            if rerun.waits:
                said[rerun.continuation].append(WAITING)
        return {continuation: lines for continuation, lines in said.items() if lines}

    def to_dict(self) -> dict[str, object]:
        """What `--json` holds."""
        return {
            "bag": str(self.run.bag),
            "run_id": self.run.run_id,
            "recorded_continuation": self.run.continuation,
            "ticks": len(self.run.ticks),
            "settings": self.run.settings.source,
            "recorded": self.lines[0].to_dict(),
            "continuations": [line.to_dict() for line in self.lines[1:]],
            "against": self.base.continuation if self.base else None,
            "differences": {
                continuation: {metric: difference_dict(value) for metric, value in found.items()}
                for continuation, found in self.differences.items()
            },
            "not_run": dict(self.absent),
            "notes": self.notes,
        }
