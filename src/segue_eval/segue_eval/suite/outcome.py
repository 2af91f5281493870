"""A suite that ran: its cells, and the verdicts on the paper's claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from segue_eval.claims import Claim, Verdict
from segue_eval.result import EpisodeResult
from segue_eval.statistics import Estimate, estimate
from segue_eval.suite.alike import Pair, compared
from segue_eval.suite.judge import judge, not_run, together, values_of
from segue_eval.suite.modes import Modes
from segue_eval.suite.run import Cell, Key
from segue_eval.suite.spec import METRICS, ClaimSpec, SuiteSpec
from segue_eval.summary import estimates, success_interval


@dataclass(frozen=True)
class SuiteRun:
    """Everything that tables, plots and pages are made from."""

    name: str
    spec: SuiteSpec
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    modes: Mapping[Key, Modes] = field(default_factory=dict)
    """Of each (task, checkpoint), where they were counted."""

    @cached_property
    def by_key(self) -> Mapping[Key, Cell]:
        """Cells by (task, cell)."""
        return {cell.job.key: cell for cell in self.cells}

    @property
    def ran(self) -> list[Cell]:
        """Cells with results."""
        return [cell for cell in self.cells if cell.results]

    @property
    def absent(self) -> list[Cell]:
        """Cells without."""
        return [cell for cell in self.cells if not cell.results]

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim on every task as `<claim>/<task>`, and `<claim>/all tasks` where there are several."""
        return tuple(claim for spec in self.spec.claims for claim in self._judge(spec))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The checkpoints that claims compare, and whether they were made alike."""
        return compared(self.spec, self.tasks, self.cells)

    def _judge(self, spec: ClaimSpec) -> list[Claim]:
        parts = [self._judge_on(spec, task) for task in self.tasks]
        return [*parts, together(spec, parts)] if len(parts) > 1 else parts

    def _judge_on(self, spec: ClaimSpec, task: str) -> Claim:
        name = f"{spec.id}/{task}"
        cells = [self.by_key[task, cell] for cell in (spec.first, spec.second)]
        reasons = dict.fromkeys(f"{cell.job.name}: {cell.missing}" for cell in cells if not cell.results)
        if reasons:
            return not_run(spec, name, "; ".join(reasons))
        return judge(spec, cells[0].results, cells[1].results, name)

    def to_dict(self) -> dict[str, object]:
        """What `--json` holds."""
        return {
            "suite": self.name,
            "title": self.spec.title,
            "source": self.spec.source,
            "paper_task": self.spec.paper_task,
            "tasks": list(self.tasks),
            "seeds": list(self.seeds),
            "claims": [claim.to_dict() for claim in self.claims],
            "policies": [pair.to_dict() for pair in self.pairs],
            "modes": [
                {"task": task, "checkpoint": name, "requests": found.requests, "two": found.two}
                for (task, name), found in self.modes.items()
            ],
            "cells": [self._cell(cell) for cell in self.cells],
        }

    def _cell(self, cell: Cell) -> dict[str, object]:
        task, name = cell.job.key
        known: dict[str, object] = {"task": task, "cell": name, "label": cell.job.cell.label}
        printed = self.spec.paper.get(self.spec.paper_task or task, {}).get(name, {})
        known |= {"group": cell.job.cell.group, "paper": dict(printed)}
        if not cell.results:
            return known | {"not_run": cell.missing}
        return known | {
            "setup": cell.job.setup.to_dict() if cell.job.setup else {},
            "notes": list(cell.job.notes),
            "summary": _summary(cell.results),
            "rows": [result.to_row() for result in cell.results],
        }


def _summary(results: Sequence[EpisodeResult]) -> dict[str, object]:
    low, high = success_interval(results)
    means: dict[str, object] = {
        key: value.to_dict() for key, value in estimates(results).items() if value.count
    }
    return means | {"episodes": len(results), "success_interval": [low, high]}


def ours(cell: Cell, metric: str) -> Estimate:
    """Mean and standard error of a metric in its printed unit; empty for a cell that was not run."""
    return estimate(values_of(METRICS[metric], cell.results).values())


def counted(claims: Iterable[Claim]) -> dict[Verdict, int]:
    """How many claims per verdict, those on all tasks left out: they repeat the others."""
    single = [claim.verdict for claim in claims if not claim.id.endswith("/all tasks")]
    return {verdict: single.count(verdict) for verdict in Verdict}
