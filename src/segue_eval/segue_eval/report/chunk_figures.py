"""What happened at the seams: overlap, jump and delay per chunk, and the guidance it was sampled with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from segue_eval import page
from segue_eval.charts import box, element, polyline, step_points, text
from segue_eval.charts.scale import padded_range
from segue_eval.report.panels import bar, time_frame
from segue_eval.report.run_data import ChunkRecord, RunData

_LEFT, _WIDTH = 64.0, 1100.0  # of the heat map
_NAMED_ROWS = 20  # with more chunks than this the rows are thin and only some carry their number


def _stems(
    run: RunData, title: str, key: str, read: Callable[[ChunkRecord], float | None], scale: float = 1.0
) -> str:
    """One stem per chunk at the time it took over."""
    points = [
        (c.tick / run.space.rate_hz, value * scale) for c in run.chunks if (value := read(c)) is not None
    ]
    top = padded_range([0.0, *(value for _, value in points)])[1]
    chart = time_frame(run, (0.0, top), key, height=140)
    marks = [
        element("line", x1=x, x2=x, y1=chart.y.start, y2=y, class_="stem")
        + element("circle", cx=x, cy=y, r=3, class_="dot")
        for x, y in ((chart.x.at(t), chart.y.at(value)) for t, value in points)
    ]
    return page.figure(title, chart.svg(*marks))


def _delays(run: RunData) -> str:
    """Measured delay of every chunk as a bar, the planned one as a line."""
    values = [chunk.delay for chunk in run.chunks]
    top = max([*values, *run.expected_delay.tolist(), 1]) * 1.15
    chart = time_frame(run, (0.0, top), "delay", height=140)
    bars = [bar(chart, chart.x.at(c.tick / run.space.rate_hz) - 3, 6.0, c.delay) for c in run.chunks]
    x, y = step_points(run.seconds, run.expected_delay)
    return page.figure(
        "delay [ticks]; line: planned", chart.svg(*bars, polyline(chart.x(x), chart.y(y), "line c2 thin"))
    )


def _parts(run: RunData) -> str:
    """How many rows of each streamed chunk were there, from its first part to the whole."""
    streamed = [chunk for chunk in run.chunks if chunk.streamed]
    top = max(len(chunk.actions) for chunk in streamed) * 1.15
    chart = time_frame(run, (0.0, top), "parts", height=140)
    lines = [
        polyline(chart.x(x), chart.y(y), "line thin")
        for ticks, rows in (np.array(chunk.parts, dtype=np.float64).T for chunk in streamed)
        for x, y in [step_points(ticks / run.space.rate_hz, rows)]
    ]
    return page.figure("rows of a chunk that have come", chart.svg(*lines))


def _ages(run: RunData) -> str:
    """How old the observation behind each action is; gaps while nothing is executed."""
    ages = np.where(run.action_age >= 0, run.action_age, np.nan).astype(np.float64)
    chart = time_frame(run, (0.0, float(run.action_age.max()) * 1.15), "age", height=140)
    stretches = np.split(np.arange(len(ages)), np.flatnonzero(np.diff(np.isfinite(ages))) + 1)
    lines = [
        polyline(chart.x(x), chart.y(y), "line thin")
        for part in stretches
        if np.isfinite(ages[part[0]])
        for x, y in [step_points(run.seconds[part], ages[part])]
    ]
    return page.figure("age of the executed action [ticks]", chart.svg(*lines))


def seams_section(run: RunData) -> str:
    """Overlap RMSE, seam jump, delay and inference time per chunk, and the age of the actions over time."""
    figures = [
        _stems(run, "overlap RMSE × 1000", "overlap", lambda c: c.overlap_motion, 1e3),
        _stems(run, "seam jump × 1000", "jump", lambda c: c.jump, 1e3),
        _delays(run),
    ]
    if any(chunk.streamed for chunk in run.chunks):
        figures.append(_parts(run))
    if run.action_age.max(initial=-1) > 0:
        figures.append(_ages(run))
    if any(chunk.inference_s for chunk in run.chunks):
        figures.append(_stems(run, "inference [ms]", "inference", lambda c: c.inference_s, 1e3))
    return page.section(
        "Seams",
        page.columns(figures),
        note="Overlap RMSE: disagreement of a chunk with its predecessor over the ticks both speak about (Legato, "
        "Eq. A.7), of the numbers that move an arm. Seam jump: the step that taking over caused. Both in the units "
        "of the action space.",
    )


def _heat_row(chunk: ChunkRecord, top: float, height: float, cell: float) -> str:
    """One chunk of the heat map: a faint bed and the weights; equal neighbours share a rectangle."""
    omega = chunk.omega
    edges = np.flatnonzero(np.concatenate([[True], np.diff(omega) != 0, [True]])).tolist()
    cells = [
        box(_LEFT + first * cell, top, (last - first) * cell, height, "heat", float(omega[first]))
        for first, last in pairwise(edges)
        if omega[first] > 0
    ]
    return box(_LEFT, top, len(omega) * cell, height, "heat", 0.06) + "".join(cells)


def _heat_rows(guided: Sequence[ChunkRecord], pitch: float, cell: float) -> list[str]:
    every = 1 if len(guided) <= _NAMED_ROWS else 5
    names = [
        text(_LEFT - 8, index * pitch + pitch / 2 + 3.5, f"chunk {chunk.sequence}", anchor="end")
        for index, chunk in enumerate(guided)
        if index % every == 0
    ]
    return names + [_heat_row(chunk, i * pitch, pitch * 0.85, cell) for i, chunk in enumerate(guided)]


def guidance_section(run: RunData) -> str:
    """Heat map of omega: a row per chunk, a column per row of the chunk."""
    guided = [chunk for chunk in run.chunks if len(chunk.omega)]
    if not guided:
        return page.section("Guidance", '<p class="note">This run used no guidance.</p>')
    horizon = max(len(chunk.omega) for chunk in guided)
    pitch = 13.0 if len(guided) <= _NAMED_ROWS else 6.0
    cell, height = (_WIDTH - _LEFT - 10.0) / horizon, len(guided) * pitch + 34.0
    rows = _heat_rows(guided, pitch, cell)
    marks = range(0, horizon + 1, max(1, horizon // 12))
    ticks = [text(_LEFT + row * cell, height - 18, str(row), anchor="middle") for row in marks]
    name = text(_WIDTH - 10, height - 3, "row of the chunk", "axis-name", "end")
    view = f"0 0 {_WIDTH:g} {height:g}"
    svg = element(
        "svg", "".join([*rows, *ticks, name]), viewBox=view, width=_WIDTH, class_="chart sideways", role="img"
    )
    note = "How strongly each row had to follow the chunk before: full colour 1, none 0. The first chunk is free."
    return page.section("Guidance (omega)", svg, note=note)
