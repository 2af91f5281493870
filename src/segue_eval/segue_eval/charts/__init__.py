"""A small SVG chart library: no dependency, no script needed to read it, colours from the page's theme."""

from segue_eval.charts.scale import Scale, label, nice_ticks, padded_range
from segue_eval.charts.svg import PlotArea, box, element, frame, polyline, step_points, text

__all__ = [
    "PlotArea",
    "Scale",
    "box",
    "element",
    "frame",
    "label",
    "nice_ticks",
    "padded_range",
    "polyline",
    "step_points",
    "text",
]
