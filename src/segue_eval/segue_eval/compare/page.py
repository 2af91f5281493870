"""The page of a comparison: table, seams over time, and the commands that each continuation would have given."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ChannelKind
from segue_eval import page
from segue_eval.charts import element, frame, padded_range, polyline
from segue_eval.compare.outcome import OPEN_LOOP, Comparison
from segue_eval.compare.summary import jumps, overlaps
from segue_eval.report.actions import dimension_title
from segue_eval.suite.table import words

_COLOURS = 7


def _colours(found: Comparison) -> dict[str, str]:
    return {rerun.continuation: f"k{i % _COLOURS + 1}" for i, rerun in enumerate(found.reruns)}


def _seconds(found: Comparison, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    return (ticks - found.run.ticks[0]) / found.run.info.rate_hz


def _seams(found: Comparison, title: str, values: Mapping[str, Mapping[int, float]]) -> str:
    """A line per continuation over its seams."""
    known = [v for by_tick in values.values() for v in by_tick.values()]
    if not known:
        return ""
    end = float(_seconds(found, np.array([found.run.ticks[-1]]))[0])
    chart = frame((0.0, end), padded_range([*known, 0.0]), width=580, height=220, x_label="time [s]")
    marks = []
    for continuation, kind in _colours(found).items():
        ticks = np.array(sorted(values[continuation]), dtype=np.int64)
        xs, ys = chart.x(_seconds(found, ticks)), chart.y([values[continuation][int(t)] for t in ticks])
        marks.append(polyline(xs, ys, f"trace {kind}"))
        marks += [
            element(
                "circle", element("title", f"{continuation}: {values[continuation][int(tick)]:.3g}"), cx=x, cy=y, r=3,
                class_=f"mark {kind}",
            )
            for tick, x, y in zip(ticks, xs, ys, strict=True)
        ]  # fmt: skip
    return page.figure(title, chart.svg(*marks))


def _command(found: Comparison, column: int, title: str) -> str:
    """What each continuation commands in one dimension, over what was commanded then."""
    run = found.run
    ticks = np.array([tick for tick in run.ticks if tick in run.witnesses])
    recorded = run.commands()[:, column]
    values = [recorded, *(rerun.commands[:, column] for rerun in found.reruns)]
    seconds = _seconds(found, ticks)
    span = padded_range(np.concatenate(values), least=0.02)
    chart = frame((0.0, float(seconds[-1])), span, width=580, height=150)
    colours = _colours(found)
    marks = [
        polyline(
            chart.x(_seconds(found, rerun.ticks)),
            chart.y(rerun.commands[:, column]),
            f"trace thin {colours[rerun.continuation]}",
        )
        for rerun in found.reruns
    ]
    marks.append(polyline(chart.x(seconds), chart.y(recorded), "recorded"))
    return page.figure(title, chart.svg(*marks))


def _positions(found: Comparison) -> list[str]:
    """Panels of all positions; of everything where a space has none."""
    space = found.run.info.action_space
    chosen = [c for c in space.channels if c.kind is ChannelKind.POSITION] or list(space.channels)
    return [
        _command(found, space.slice(channel.name).start + index, dimension_title(channel, index))
        for channel in chosen
        for index in range(channel.size)
    ]


def comparison_page(found: Comparison) -> str:
    """The whole page, self-contained."""
    run, rows, gaps = found.run, found.table(), found.difference_table()
    paired = page.html_table(gaps[0], gaps[1:], words(gaps)) if len(gaps) > 1 else ""
    notes = "".join(
        f"<p class='note'>{escape(m)}: {escape(x)}</p>" for m, xs in found.notes.items() for x in xs
    )
    colours = {continuation: f"var(--c{kind[1:]})" for continuation, kind in _colours(found).items()}
    facts = f"{run.run_id}, {len(run.ticks)} ticks, recorded with {run.continuation}. {OPEN_LOOP}"
    reasons = found.by_reason().items()
    absent = "".join(f"<li><b>{escape(', '.join(who))}</b>: {escape(why)}</li>" for why, who in reasons)
    seams = [
        _seams(found, "Overlap RMSE x1e3 of every seam", {r.continuation: overlaps(r) for r in found.reruns}),
        _seams(found, "Jump x1e3 of every seam", {r.continuation: jumps(r) for r in found.reruns}),
    ]
    body = [
        f'<header><h1>Continuations on one recording</h1><p class="sub">{escape(facts)}</p></header>',
        page.section("Continuations", page.html_table(rows[0], rows[1:], words(rows)), notes),
        page.section("Paired by seam", paired) if paired else "",
        page.section("Seams", page.legend(colours), page.columns(seams)),
        page.section(
            "Commands",
            page.legend(colours | {"recorded": "var(--ink)"}),
            page.columns(_positions(found)),
            note="Black: what was commanded then. Colour: what the continuation would have commanded at that tick.",
        ),
        page.section("Not run", f"<ul>{absent}</ul>") if absent else "",
    ]
    return page.document(f"{run.run_id}: continuations", [part for part in body if part])
