"""The run over time: phases, progress and score, and how regular the ticks were."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from segue_core.lateness import is_late, late_advice
from segue_eval import page
from segue_eval.charts import PlotArea, box, frame, padded_range, polyline, step_points
from segue_eval.report.metrics import jitter_ms
from segue_eval.report.panels import bar, seam_lines, time_frame
from segue_eval.report.run_data import RunData, Series

PHASE_COLOURS = {
    "waiting": "var(--axis)",
    "running": "var(--c1)",
    "holding": "var(--c2)",
    "finished": "var(--c3)",
}

_LOCKSTEP_MS = 1e-3  # no clock is this regular: time was counted, not measured


def _spans(run: RunData) -> list[tuple[str, float, float]]:
    """(phase, start, end) of every stretch of one phase [s]."""
    spans = []
    for phase, group in groupby(zip(run.phases, run.seconds.tolist(), strict=True), key=lambda pair: pair[0]):
        times = [time for _, time in group]
        spans.append((phase, times[0], times[-1] + 1 / run.space.rate_hz))
    return spans


def _late_marks(run: RunData, chart: PlotArea) -> list[str]:
    """A small mark wherever the count of late controller cycles rose."""
    rose = run.late.t[1:][np.diff(run.late.values) > 0]
    return [box(chart.x.at(float(t)), chart.y.end, 2.0, 7.0, "late") for t in rose]


def _fault_marks(run: RunData, chart: PlotArea) -> list[str]:
    """A line over the whole height where a fault came, inside the axes where that is the end of the run."""
    last = chart.x.end - 3.0
    return [
        box(min(chart.x.at(fault.t) - 1.5, last), chart.y.end - 6, 3.0, chart.y.start - chart.y.end + 6,
            "fault")
        for fault in run.faults
    ]  # fmt: skip


def _told(run: RunData) -> str:
    """Every fault in words: when, what, and what to do where the machine was late."""
    items = [f"<li><b>{fault.t:.1f} s</b> {escape(fault.text)}</li>" for fault in run.faults]
    if not items:
        return ""
    late = any(is_late(fault.code) for fault in run.faults)
    advice = "".join(f"<li>{escape(text)}</li>" for text in late_advice(run.real)) if late else ""
    what = f'<p class="note">What to do about a machine that is late:</p><ul>{advice}</ul>' if advice else ""
    return f'<ul class="bad">{"".join(items)}</ul>{what}'


def timeline_figure(run: RunData) -> str:
    """A band coloured by phase, with seams, starved ticks, late controller cycles and faults; faults in words below."""
    chart = time_frame(run, (0, 1), "phase", width=1180, height=74, y_ticks=0)
    height = chart.y.start - chart.y.end
    bands = [
        box(chart.x.at(a), chart.y.end, chart.x.at(b) - chart.x.at(a), height, f"phase-{phase}", 0.75)
        for phase, a, b in _spans(run)
    ]
    starved = [box(chart.x.at(t), chart.y.start - 6, 3.0, 6.0, "starved") for t in run.seconds[run.starved]]
    late, faults = _late_marks(run, chart), _fault_marks(run, chart)
    shown = {phase: PHASE_COLOURS[phase] for phase in PHASE_COLOURS if phase in run.phases}
    shown |= {"starved tick": "var(--bad)"} if starved else {}
    shown |= {"late controller": "var(--warn)"} if late else {}
    shown |= {"fault": "var(--ink)"} if faults else {}
    svg = chart.svg(*bands, seam_lines(chart, run), *starved, *late, *faults)
    return page.legend(shown, block=True) + page.figure("", svg) + _told(run)


def _steps(
    title: str, run: RunData, curves: list[tuple[Series, str]], span: tuple[float, float], key: str
) -> str:
    chart = time_frame(run, span, key)
    lines = []
    for series, style in curves:
        if len(series.t):
            x, y = step_points(np.append(series.t, run.duration_s), np.append(series.values, series.last))
            lines.append(polyline(chart.x(x), chart.y(y), style))
    return page.figure(title, chart.svg(*lines))


def progress_section(run: RunData) -> str:
    """Objects placed and predicted progress in [0, 1], and the task's score."""
    done = Series(run.placed.t, run.placed.values / max(run.total, 1))
    styles = ["line c2", "line c3", "line thin"]
    sources = list(run.progress.items())[: len(styles)]
    curves = [(done, "line"), *((series, styles[i]) for i, (_, series) in enumerate(sources))]
    colours = ["var(--c2)", "var(--c3)", "var(--c1)"]
    names = {"parts done": "var(--c1)"} | {
        f"progress by {name}": colours[i] for i, (name, _) in enumerate(sources)
    }
    score_span = padded_range(np.append(run.score.values, [0.0]), least=1.0)
    figures = [
        _steps("progress (1 = done)", run, curves, (0.0, 1.05), "progress"),
        _steps("task score", run, [(run.score, "line")], score_span, "score"),
    ]
    return page.section("Progress", page.legend(names), page.columns(figures))


def _histogram(values: NDArray[np.float64]) -> str:
    counts, edges = np.histogram(values, bins=40)
    chart = frame(
        (float(edges[0]), float(edges[-1])),
        (0.0, float(counts.max()) * 1.08),
        width=580,
        height=150,
        x_label="milliseconds",
        y_label="ticks",
    )
    bars = [
        bar(chart, chart.x.at(a), max(chart.x.at(b) - chart.x.at(a) - 1, 0.5), n)
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]
    return page.figure("distribution", chart.svg(*bars))


def jitter_section(run: RunData) -> str:
    """Deviation of tick intervals from nominal, by the recorder's clock."""
    values = jitter_ms(run)
    if len(values) == 0 or np.abs(values).max() < _LOCKSTEP_MS:
        return page.section(
            "Tick jitter", '<p class="note">None: every tick was on time to the microsecond (lockstep).</p>'
        )
    chart = time_frame(run, padded_range(values, least=2.0), "jitter")
    line = polyline(chart.x(run.seconds[1:]), chart.y(values), "line thin")
    median, p99, largest = np.percentile(np.abs(values), [50, 99, 100])
    return page.section(
        "Tick jitter",
        page.columns([page.figure("interval minus nominal [ms]", chart.svg(line)), _histogram(values)]),
        note="Time between the scheduler's states as the recorder received them, minus the length of a tick: "
        f"median {median:.2f} ms, 99 % below {p99:.2f} ms, largest {largest:.2f} ms.",
    )
