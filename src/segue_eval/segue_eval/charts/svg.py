"""SVG text: elements, polylines that break at gaps, axes. Colours come from the page's CSS classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_eval.charts.scale import Scale, label, nice_ticks


def element(tag: str, content: str = "", **attributes: object) -> str:
    """`<tag a="1">content</tag>`: `stroke_width` is `stroke-width`, `class_` is `class`; values are escaped."""
    parts = [
        f'{_name(key)}="{escape(_value(value))}"' for key, value in attributes.items() if value is not None
    ]
    head = " ".join([tag, *parts])
    return f"<{head}>{content}</{tag}>" if content else f"<{head}/>"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def box(x: float, y: float, width: float, height: float, class_: str, opacity: float | None = None) -> str:
    """A filled rectangle with its corner at (x, y)."""
    shade = None if opacity is None else f"{opacity:.2f}"
    return element("rect", x=x, y=y, width=width, height=height, class_=class_, fill_opacity=shade)


def text(x: float, y: float, content: str, class_: str = "label", anchor: str = "start") -> str:
    """One escaped line of text."""
    return element("text", escape(content), x=x, y=y, class_=class_, text_anchor=anchor)


def _runs(points: NDArray[np.float64]) -> Iterable[NDArray[np.float64]]:
    """Maximal runs of finite points: [a b NaN c] -> [a b], [c]."""
    finite = np.isfinite(points).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(np.int8)))
    return (points[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True))


def polyline(xs: ArrayLike, ys: ArrayLike, class_: str) -> str:
    """A line through pixel points that breaks where a coordinate is NaN."""
    points = np.column_stack([np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)])
    path = "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in _runs(points))
    return element("path", d=path, class_=class_) if path else ""


def step_points(xs: ArrayLike, ys: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corner points of a curve that holds each value until the next x."""
    x = np.repeat(np.asarray(xs, dtype=np.float64), 2)[1:]
    y = np.repeat(np.asarray(ys, dtype=np.float64), 2)[:-1]
    return x, y


_WIDE = 800.0  # [px]


@dataclass(frozen=True)
class PlotArea:
    """A plot area with its two scales. `timed` frames take part in the page's playhead (x is seconds)."""

    width: float
    height: float
    x: Scale
    y: Scale
    x_label: str = ""
    y_label: str = ""
    timed: bool = False
    key: str = ""
    y_ticks: int = 4
    x_ticks: int = 8

    def svg(self, *marks: str) -> str:
        """The finished chart: grid, axes, then `marks` in order."""
        body = self._grid() + "".join(marks) + self._labels()
        box = f"0 0 {self.width:g} {self.height:g}"
        kind = (
            "chart wide" if self.width > _WIDE else "chart"
        )  # on narrow screens: what keeps its text readable
        return element("svg", body, viewBox=box, width=self.width, role="img", class_=kind, **self._data())

    def _data(self) -> dict[str, str]:
        if not self.timed:
            return {}
        edges = (self.x.start, self.x.end, self.x.low, self.x.high)
        names = ("data_x0", "data_x1", "data_t0", "data_t1")
        values = dict(zip(names, (f"{edge:.3f}" for edge in edges), strict=True))
        return values | {
            "data_top": f"{self.y.end:.1f}",
            "data_bottom": f"{self.y.start:.1f}",
            "data_key": self.key,
        }

    def _grid(self) -> str:
        lines = [
            element("line", x1=self.x.start, x2=self.x.end, y1=self.y.at(v), y2=self.y.at(v), class_="grid")
            + text(self.x.start - 6, self.y.at(v) + 3.5, label(v), anchor="end")
            for v in nice_ticks(self.y.low, self.y.high, self.y_ticks)
        ]
        marks = [
            text(self.x.at(v), self.y.start + 15, label(v), anchor="middle")
            for v in nice_ticks(self.x.low, self.x.high, self.x_ticks)
        ]
        base = element(
            "line", x1=self.x.start, x2=self.x.end, y1=self.y.start, y2=self.y.start, class_="axis"
        )
        return "".join(lines) + base + "".join(marks)

    def _labels(self) -> str:
        parts = text(self.x.start, self.y.end - 7, self.y_label, "axis-name") if self.y_label else ""
        if self.x_label:
            parts += text(self.x.end, self.height - 3, self.x_label, "axis-name", "end")
        return parts


def frame(
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    width: float = 720,
    height: float = 170,
    x_label: str = "",
    y_label: str = "",
    timed: bool = False,
    key: str = "",
    y_ticks: int = 4,
    x_ticks: int = 8,
) -> PlotArea:
    """A PlotArea with the usual margins: 46 px left for numbers, room above and below for axis names."""
    top, bottom = (20.0 if y_label else 8.0), height - (30.0 if x_label else 20.0)
    x = Scale(*x_range, 46.0, width - 10.0)
    y = Scale(*y_range, bottom, top)
    return PlotArea(width, height, x, y, x_label, y_label, timed, key, y_ticks, x_ticks)
