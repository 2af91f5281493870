"""What all charts of a run share: its time axis, its seams, bars on the axis."""

from __future__ import annotations

from segue_eval.charts import PlotArea, box, element, frame
from segue_eval.report.run_data import RunData


def time_frame(
    run: RunData,
    span: tuple[float, float],
    key: str,
    width: float = 580,
    height: float = 150,
    y_ticks: int = 4,
    name: str = "seconds",
) -> PlotArea:
    """A frame over the whole run [s] that takes part in the playhead; `key` finds its values under the cursor."""
    x_range = (0.0, run.duration_s)
    return frame(
        x_range,
        span,
        width=width,
        height=height,
        timed=True,
        key=key,
        y_ticks=y_ticks,
        x_label=name,
        y_label=" ",
    )


def seam_lines(chart: PlotArea, run: RunData) -> str:
    """A dashed line at every tick where a new chunk took over."""
    times = [chunk.tick / run.space.rate_hz for chunk in run.chunks]
    return "".join(
        element("line", x1=x, x2=x, y1=chart.y.end, y2=chart.y.start, class_="seam")
        for x in map(chart.x.at, times)
    )


def bar(chart: PlotArea, left: float, width: float, value: float) -> str:
    """A bar from the axis up to `value`; `left` and `width` in pixels."""
    top = chart.y.at(value)
    return box(left, top, width, chart.y.start - top, "bar")
