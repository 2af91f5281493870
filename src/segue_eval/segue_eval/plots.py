"""The page of an evaluation: table, one strip per metric with every seed in it, and what each seed did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from segue_eval import page
from segue_eval.charts import element, frame, padded_range
from segue_eval.result import EpisodeResult
from segue_eval.statistics import estimate
from segue_eval.summary import COLUMNS, Column, endings, estimates, success_interval

_CELL = 20.0
_PER_ROW = 50


def _dots(column: Column, results: Sequence[EpisodeResult]) -> str:
    """One dot per episode in seed order and a line at the mean; empty when all are equal (the table says it)."""
    values = np.array([column.read(result) * column.scale for result in results])
    known = values[np.isfinite(values)]
    if known.size == 0 or np.ptp(known) <= 1e-9 * np.abs(known).max():
        return ""
    chart = frame((-0.5, len(values) - 0.5), padded_range(known), width=580, height=150, x_ticks=0)
    dots = [
        element("circle", element("title", f"seed {result.seed}: {value:.4g}"), cx=x, cy=y, r=3, class_="dot")
        for result, value, x, y in zip(
            results, values, chart.x(range(len(values))), chart.y(values), strict=True
        )
        if np.isfinite(value)
    ]
    level = chart.y.at(float(known.mean()))
    line = element("line", x1=chart.x.start, x2=chart.x.end, y1=level, y2=level, class_="mean")
    return page.figure(f"{column.title}: {estimate(values).text(column.digits)}", chart.svg(line, *dots))


def _grid(results: Sequence[EpisodeResult]) -> str:
    """A square per seed: success or not, with what ended it under the pointer."""
    cells = []
    for index, result in enumerate(results):
        x, y = (index % _PER_ROW) * _CELL, (index // _PER_ROW) * _CELL
        note = element(
            "title",
            f"seed {result.seed}: {escape(result.rule)}, score {result.score:g}, {result.seconds:.1f} s",
        )
        kind = "ok" if result.success else "fail"
        cells.append(element("rect", note, x=x, y=y, width=_CELL - 3, height=_CELL - 3, rx=3, class_=kind))
    rows = -(-len(results) // _PER_ROW)
    box = f"0 0 {_PER_ROW * _CELL:g} {rows * _CELL:g}"
    return element("svg", "".join(cells), viewBox=box, class_="chart", role="img")


def _summary(results: Sequence[EpisodeResult]) -> str:
    values = estimates(results)
    rows = [
        [c.title, _mean(c, results), "lower" if c.lower_is_better else "higher", str(values[c.key].count)]
        for c in COLUMNS
    ]
    return page.html_table(["metric", "mean ± standard error", "better", "episodes"], rows)


def _mean(column: Column, results: Sequence[EpisodeResult]) -> str:
    return estimate(column.read(result) * column.scale for result in results).text(column.digits)


def write_page(path: Path, title: str, data: Mapping[str, object], results: Sequence[EpisodeResult]) -> None:
    """Write the self-contained page; `data` is what `summary.to_json` made of the same results."""
    low, high = success_interval(results)
    won = sum(result.success for result in results)
    ends = ", ".join(f"{rule} {count}" for rule, count in sorted(endings(results).items()))
    head = (
        f'<header><h1>{escape(title)}</h1><p class="sub">{won} of {len(results)} episodes succeeded; '
        f"95 % interval {100 * low:.1f} to {100 * high:.1f} %. Ended by: {escape(ends)}.</p></header>"
    )
    setup = escape(json.dumps(data["setup"], indent=2))
    body = [
        head,
        page.section(
            "Every seed", _grid(results), note="Green: success. The pointer shows the seed and what ended it."
        ),
        page.section("Metrics", _summary(results)),
        page.section(
            "By episode",
            page.columns([_dots(c, results) for c in COLUMNS[1:]]),
            note="A dot per episode, in the order of the seeds; the line is the mean.",
        ),
        page.section("Setup", f"<pre>{setup}</pre>"),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.document(title, body), encoding="utf-8")
