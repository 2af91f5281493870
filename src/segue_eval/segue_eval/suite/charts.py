"""Dot charts of a suite: one per metric and task (ours with every seed, the paper's beside it), and all claims.

Rows are cells or claims, so that long names have room; equal method names have equal colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue_eval.charts import Scale, element, label, nice_ticks, padded_range, text
from segue_eval.claims import Claim, Verdict
from segue_eval.statistics import Estimate
from segue_eval.suite.judge import values_of
from segue_eval.suite.outcome import SuiteRun, ours
from segue_eval.suite.run import Cell
from segue_eval.suite.spec import METRICS
from segue_eval.summary import Column

_ROW = 30.0  # height of a row [px]
_TOP, _BOTTOM = 8.0, 34.0
_COLOURS = 7  # classes k1 .. k7 of page.css
_LIMIT = 200.0  # claims are drawn up to this difference [%]; a wider interval runs out of the chart
_VERDICT_CLASS = {
    Verdict.REPRODUCED: "good",
    Verdict.NOT_REPRODUCED: "bad",
    Verdict.INCONCLUSIVE: "warn",
    Verdict.NOT_RUN: "warn",
}


@dataclass(frozen=True)
class Panel:
    """A plot area over rows; x in data units, `rows` counted from the top."""

    x: Scale
    rows: int

    @property
    def bottom(self) -> float:
        """Lower edge [px]."""
        return _TOP + self.rows * _ROW

    def y(self, row: int) -> float:
        """Middle of a row [px]."""
        return _TOP + (row + 0.5) * _ROW

    def axes(self, name: str, ticks: int = 5) -> str:
        """Vertical grid with numbers, and what they count."""
        lines = [
            element("line", x1=self.x.at(v), x2=self.x.at(v), y1=_TOP, y2=self.bottom, class_="grid")
            + text(self.x.at(v), self.bottom + 14, label(v), anchor="middle")
            for v in nice_ticks(self.x.low, self.x.high, ticks)
        ]
        return "".join(lines) + text(self.x.end, self.bottom + 29, name, "axis-name", "end")

    def whisker(self, row: int, value: Estimate, class_: str) -> str:
        """Mean and standard error in a row."""
        middle, y = self.x.at(value.mean), self.y(row)
        error = value.standard_error if math.isfinite(value.standard_error) else 0.0
        low, high = self.x.at(value.mean - error), self.x.at(value.mean + error)
        line = element("line", x1=low, x2=high, y1=y, y2=y, class_=f"whisker {class_}")
        note = element("title", value.text(3))
        return line + element("circle", note, cx=middle, cy=y, r=5, class_=f"mark {class_}")


def colours(run: SuiteRun) -> dict[str, str]:
    """Class of every method's colour, by its label."""
    labels = dict.fromkeys(cell.label for cell in run.spec.cells)
    return {name: f"k{i % _COLOURS + 1}" for i, name in enumerate(labels)}


def _svg(width: float, rows: int, *marks: str) -> str:
    height = _TOP + rows * _ROW + _BOTTOM
    view = f"0 0 {width:g} {height:g}"
    return element("svg", "".join(marks), viewBox=view, width=width, role="img", class_="chart sideways")


def _dots(panel: Panel, row: int, cell: Cell, column: Column, class_: str) -> str:
    """A faint dot per seed, spread over the height of the row in the order of the seeds."""
    known = {seed: v for seed, v in values_of(column, cell.results).items() if math.isfinite(v)}
    offsets = (np.arange(len(known)) * 0.618) % 1.0 - 0.5  # golden ratio: even, and the same every time
    dots = [
        element(
            "circle",
            element("title", f"seed {seed}: {value:.4g}"),
            cx=panel.x.at(value),
            cy=panel.y(row) + float(offset) * 0.7 * _ROW,
            r=2.5,
            class_=f"seed {class_}",
        )
        for (seed, value), offset in zip(known.items(), offsets, strict=True)
    ]
    return "".join(dots)


def metric_chart(run: SuiteRun, key: str, task: str) -> str:
    """Ours, and beside it what the paper prints, each on its own scale; empty when all seeds are equal."""
    column, names = METRICS[key], colours(run)
    cells = [cell for cell in run.ran if cell.job.task == task]
    values = [v for cell in cells for v in values_of(column, cell.results).values() if math.isfinite(v)]
    if not values or np.ptp(values) <= 1e-9 * np.abs(values).max():
        return ""
    facts = [run.spec.fact(task, cell.job.cell.id, key) for cell in cells]
    has_facts = any(facts)
    right = 470.0 if has_facts else 700.0
    panel = Panel(Scale(*padded_range(values), 190.0, right), len(cells))
    marks = [panel.axes("ours" if has_facts else "")]
    for row, cell in enumerate(cells):
        colour = names[cell.job.cell.label]
        marks.append(_row_name(panel, row, cell))
        marks.append(_dots(panel, row, cell, column, colour))
        marks.append(panel.whisker(row, ours(cell, key), colour) if ours(cell, key).count else "")
    if has_facts:
        marks.append(_paper_panel(run.spec.paper_name, facts, [names[c.job.cell.label] for c in cells]))
    return _svg(710.0, len(cells), *marks)


def _row_name(panel: Panel, row: int, cell: Cell) -> str:
    spec, y = cell.job.cell, panel.y(row)
    if not spec.group:
        return text(180.0, y + 4, spec.label, "strong", "end")
    return text(180.0, y - 1, spec.label, "strong", "end") + text(180.0, y + 11, spec.group, anchor="end")


def _paper_panel(name: str, facts: Sequence[tuple[float, float] | None], classes: Sequence[str]) -> str:
    known = [fact for fact in facts if fact]
    bounds = [bound for mean, error in known for bound in (mean - error, mean + error)]
    panel = Panel(Scale(*padded_range(bounds), 505.0, 700.0), len(facts))
    marks = [panel.axes(name, ticks=3)]
    for row, (fact, class_) in enumerate(zip(facts, classes, strict=True)):
        marks.append(panel.whisker(row, Estimate(*fact, count=2), f"{class_} hollow") if fact else "")
    return "".join(marks)


def _relative(claim: Claim, name: str) -> float:
    scale = abs(claim.statistics["second_mean"])
    return 100.0 * claim.statistics[name] / scale if scale else math.nan


def paper_difference(run: SuiteRun, claim: Claim) -> float:
    """What the claim's difference is in the paper [% of second's mean]; NaN where it prints none."""
    name, _, task = claim.id.partition("/")
    spec = next(spec for spec in run.spec.claims if spec.id == name)
    first, second = (run.spec.fact(task, cell, spec.metric) for cell in (spec.first, spec.second))
    if not (first and second):
        return math.nan
    factor = spec.factor if spec.expect == "factor" else 1.0
    return 100.0 * (first[0] - factor * second[0]) / abs(second[0])


def judged(run: SuiteRun) -> list[Claim]:
    """Claims that were compared, one per task."""
    return [claim for claim in run.claims if "difference" in claim.statistics]


def claims_chart(run: SuiteRun) -> str:
    """A row per claim: difference with its 95 % interval, in percent of the second cell's mean."""
    claims = judged(run)
    if not claims:
        return ""
    ends = [_relative(claim, name) for claim in claims for name in ("interval_low", "interval_high")]
    known = [e for e in [*ends, *(paper_difference(run, c) for c in claims), 0.0] if math.isfinite(e)]
    span = padded_range(np.clip(known, -_LIMIT, _LIMIT), least=2.0)
    panel = Panel(Scale(*span, 480.0, 1020.0), len(claims))
    zero = panel.x.at(0.0)
    marks = [
        panel.axes("difference [% of the second cell's mean]", ticks=8),
        element("line", x1=zero, x2=zero, y1=_TOP, y2=panel.bottom, class_="mean"),
    ]
    several = len(run.tasks) > 1
    marks += [_claim_row(run, panel, row, claim, several) for row, claim in enumerate(claims)]
    return _svg(1180.0, len(claims), *marks)


def _claim_row(run: SuiteRun, panel: Panel, row: int, claim: Claim, several: bool) -> str:
    task, y, kind = claim.id.partition("/")[2], panel.y(row), _VERDICT_CLASS[claim.verdict]
    marks = text(470.0, y + 4, f"{claim.text} ({task})" if several else claim.text, "strong", "end")
    marks += text(1032.0, y + 4, claim.verdict.words, f"verdict {kind}")
    low, middle, high = (_relative(claim, n) for n in ("interval_low", "difference", "interval_high"))
    if math.isfinite(middle):
        ends = [panel.x.at(min(max(v, panel.x.low), panel.x.high)) for v in (low, high) if math.isfinite(v)]
        if len(ends) == 2:
            marks += element("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_=f"interval {kind}")
        note = element("title", f"{middle:.1f} % [{low:.1f}, {high:.1f}]")
        x = panel.x.at(min(max(middle, panel.x.low), panel.x.high))
        marks += element("circle", note, cx=x, cy=y, r=5, class_=f"point {kind}")
    printed = paper_difference(run, claim)
    if math.isfinite(printed) and panel.x.low <= printed <= panel.x.high:
        x = panel.x.at(printed)
        shape = f"M{x:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z"
        marks += element(
            "path", element("title", f"{run.spec.paper_name}: {printed:.1f} %"), d=shape, class_="fact"
        )
    return marks
