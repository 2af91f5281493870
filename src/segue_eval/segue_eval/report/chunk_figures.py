"""What happened at the seams: overlap, jump and delay per chunk, and the guidance each chunk was sampled with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from segue_eval import page
from segue_eval.charts import element, frame, polyline, step_points, text
from segue_eval.charts.scale import padded_range
from segue_eval.report.run_data import ChunkRecord, RunData

_ROW_PX = 13.0


def _stems(
    run: RunData, title: str, key: str, read: Callable[[ChunkRecord], float | None], scale: float = 1.0
) -> str:
    """One stem per chunk at the time it took over."""
    points = [(c.tick / run.space.rate_hz, value * scale) for c in run.chunks if (value := read(c)) is not None]
    top = padded_range([0.0, *(value for _, value in points)])[1]
    chart = frame((0, run.duration_s), (0.0, top), width=580, height=140, timed=True, key=key, y_label=" ", x_label="seconds")
    marks = [
        element("line", x1=x, x2=x, y1=chart.y.start, y2=y, class_="stem") + element("circle", cx=x, cy=y, r=3, class_="dot")
        for x, y in ((chart.x.at(t), chart.y.at(value)) for t, value in points)
    ]
    return page.figure(title, chart.svg(*marks))


def _delays(run: RunData) -> str:
    """Measured delay of every chunk as a bar, the planned one as a line."""
    values = [chunk.delay for chunk in run.chunks]
    top = max([*values, *run.expected_delay.tolist(), 1]) * 1.15
    chart = frame((0, run.duration_s), (0.0, top), width=580, height=140, timed=True, key="delay", y_label=" ", x_label="seconds")
    bars = [
        element("rect", x=chart.x.at(c.tick / run.space.rate_hz) - 3, y=chart.y.at(c.delay), width=6.0,
                height=chart.y.start - chart.y.at(c.delay), class_="bar")
        for c in run.chunks
    ]  # fmt: skip
    x, y = step_points(run.seconds, run.expected_delay)
    return page.figure("delay [ticks]; line: planned", chart.svg(*bars, polyline(chart.x(x), chart.y(y), "line c2 thin")))


def seams_section(run: RunData) -> str:
    """Overlap RMSE, seam jump, delay and inference time per chunk."""
    figures = [
        _stems(run, "overlap RMSE × 1000", "overlap", lambda c: c.overlap_rmse, 1e3),
        _stems(run, "seam jump × 1000", "jump", lambda c: c.jump, 1e3),
        _delays(run),
    ]
    if any(chunk.inference_s for chunk in run.chunks):
        figures.append(_stems(run, "inference [ms]", "inference", lambda c: c.inference_s, 1e3))
    return page.section(
        "Seams",
        page.columns(figures),
        note="Overlap RMSE: disagreement of a chunk with its predecessor over the ticks both speak about (Legato, "
        "Eq. A.7). Seam jump: the step that taking over caused. Both in the units of the action space.",
    )


def _cells(omega: Sequence[float], x0: float, width: float, y: float) -> str:
    """One row of the heat map; neighbours of equal weight share a rectangle."""
    values = np.asarray(omega)
    edges = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0, [True]]))
    return "".join(
        element("rect", x=x0 + first * width, y=y, width=(last - first) * width, height=_ROW_PX - 2.0, class_="heat",
                fill_opacity=f"{values[first]:.2f}")
        for first, last in zip(edges[:-1], edges[1:], strict=True)
        if values[first] > 0
    )  # fmt: skip


def guidance_section(run: RunData) -> str:
    """Heat map of omega: a row per chunk, a column per row of the chunk."""
    guided = [chunk for chunk in run.chunks if len(chunk.omega)]
    horizon = max((len(chunk.omega) for chunk in guided), default=0)
    note = "How strongly each row of a chunk had to follow its predecessor: full colour 1, none 0. The first chunk is free."
    if not guided:
        return page.section("Guidance", '<p class="note">This run used no guidance.</p>')
    left, width, height = 64.0, 1100.0, len(guided) * _ROW_PX + 34.0
    cell = (width - left - 10.0) / horizon
    rows = [
        text(left - 8, index * _ROW_PX + 9.5, f"chunk {chunk.sequence}", anchor="end")
        + element("rect", x=left, y=index * _ROW_PX, width=cell * horizon, height=_ROW_PX - 2.0, class_="heat",
                  fill_opacity="0.06")
        + _cells(chunk.omega.tolist(), left, cell, index * _ROW_PX)
        for index, chunk in enumerate(guided)
    ]  # fmt: skip
    ticks = [
        text(left + row * cell, height - 18, str(row), anchor="middle") for row in range(0, horizon + 1, max(1, horizon // 12))
    ]
    name = text(width - 10, height - 3, "row of the chunk", "axis-name", "end")
    body = "".join([*rows, *ticks, name])
    svg = element("svg", body, viewBox=f"0 0 {width:g} {height:g}", class_="chart", role="img")
    return page.section("Guidance (omega)", svg, note=note)
