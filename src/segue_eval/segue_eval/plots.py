"""The page of an evaluation: table, one strip per metric with every seed in it, and what each seed did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, cast

import numpy as np

from segue_core.ending_words import ending_word
from segue_data.storage.atomic import write_text
from segue_eval import page
from segue_eval.charts import element, frame, padded_range
from segue_eval.reproduce_command import command, films
from segue_eval.result import EpisodeResult
from segue_eval.statistics import estimate
from segue_eval.summary import COLUMNS, Column, endings, estimates, success_interval

_NAMES = ("seed", "outcome", "ended by", "why", "score", "time [s]", "starved", "to see", "command")
_WORDS = {"outcome", "ended by", "why", "to see", "command"}


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
    return page.figure(f"{column.title}: {column.text(estimate(values))}", chart.svg(line, *dots))


def _grid(results: Sequence[EpisodeResult]) -> str:
    """A square per seed: success or not, with what ended it under the pointer; it leads to the seed's line."""
    cells = [
        f'<a href="#seed-{result.seed}" class="{"good" if result.success else "bad"}" title="seed {result.seed}: '
        f'{escape(result.rule)}, score {result.score:g}, {result.seconds:.1f} s"></a>'
        for result in results
    ]
    return f'<div class="squares">{"".join(cells)}</div>'


def _links(folder: Path, seed: int) -> str:
    links = (f'<a href="{escape(str(path))}">{name}</a>' for name, path in films(folder, seed).items())
    return " ".join(links)


def _line(result: EpisodeResult, setup: Mapping[str, Any], folder: Path) -> str:
    """A table row: how the seed ended, why, what there is to see, and how to run it again."""
    ending = ending_word("success" if result.success else "failure")
    texts = [
        str(result.seed),
        f'<span class="{ending.mood}">{ending.word}</span>',
        escape(result.rule),
        escape(result.reason),
        f"{result.score:g}",
        f"{result.seconds:.1f}",
        str(result.starved),
        _links(folder, result.seed),
    ]
    if setup:
        text = escape(command(setup, result.seed, folder / f"again-{result.seed}"))
        texts.append(f"<details><summary>again</summary><code>{text}</code></details>")
    cells = (f'<td{_kind(n)} data-name="{n}">{text}</td>' for n, text in zip(_NAMES, texts, strict=False))
    return f'<tr id="seed-{result.seed}">{"".join(cells)}</tr>'


def _kind(name: str) -> str:
    return ' class="w"' if name in _WORDS else ""


def _seeds(results: Sequence[EpisodeResult], setup: Mapping[str, Any], folder: Path) -> str:
    """On narrow screens every seed is a block of named lines."""
    head = "".join(f"<th{_kind(n)}>{n}</th>" for n in _NAMES[: 9 if setup else 8])
    rows = "".join(_line(result, setup, folder) for result in results)
    return f'<div class="scroll"><table class="stack"><tr>{head}</tr>{rows}</table></div>'


def _summary(results: Sequence[EpisodeResult]) -> str:
    values = estimates(results)
    rows = [
        [
            c.title,
            _mean(c, results),
            "lower" if c.lower_is_better else "higher",
            str(values[c.key].count),
            c.means,
        ]
        for c in COLUMNS
    ]
    header = ["metric", "mean ± standard error", "better", "episodes", "what it is"]
    return page.html_table(header, rows, words={0, 4})


def _mean(column: Column, results: Sequence[EpisodeResult]) -> str:
    return column.text(estimate(column.read(result) * column.scale for result in results))


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
            "Every seed",
            _grid(results),
            _seeds(results, cast(Mapping[str, Any], data["setup"]), path.parent),
            note="Green: success; a square leads to its seed's line. `--videos` films the best, the worst and up to "
            "three failed seeds; the command in a line films that one.",
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
    write_text(path, page.document(title, body))
