"""Commands per dimension over every chunk's own proposal: where they part, two chunks disagreed."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import Channel, ChannelKind
from segue_eval import page
from segue_eval.charts import padded_range, polyline
from segue_eval.report.panels import seam_lines, time_frame
from segue_eval.report.run_data import ChunkRecord, RunData

_AXES = {
    ChannelKind.POSITION: ("x", "y", "z"),
    ChannelKind.ROTATION_VECTOR: ("rx", "ry", "rz"),
    ChannelKind.QUATERNION: ("qx", "qy", "qz", "qw"),
}
_LEAST = {ChannelKind.POSITION: 0.05, ChannelKind.ROTATION_VECTOR: 0.2, ChannelKind.GRIPPER: 1.0}
"""Smallest height of a panel in its unit, so that noise does not look like motion."""


def dimension_title(channel: Channel, index: int) -> str:
    """`left position x [m]`."""
    axes = _AXES.get(channel.kind, tuple(str(number + 1) for number in range(channel.size)))
    axis = f" {axes[index]}" if channel.size > 1 else ""
    unit = "" if channel.unit == "1" else f" [{channel.unit}]"
    return f"{channel.name.replace('_', ' ')}{axis}{unit}"


class ActionPanels:
    """One panel per dimension of the action space."""

    def __init__(self, run: RunData) -> None:
        self._run = run

    @cached_property
    def _proposals(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(seconds (H,), actions (H, D)) per chunk, up to the end of the run."""
        return [self._proposal(chunk) for chunk in self._run.chunks]

    def _proposal(self, chunk: ChunkRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ticks = chunk.first_tick + np.arange(len(chunk.actions))
        inside = (ticks >= chunk.tick) & (ticks <= self._run.ticks[-1])
        return ticks[inside] / self._run.space.rate_hz, chunk.actions[inside]

    def panel(self, column: int, channel: Channel, index: int) -> str:
        """The figure of one dimension."""
        run = self._run
        known = [
            run.commands[:, column],
            run.measured[:, column],
            *(a[:, column] for _, a in self._proposals),
        ]
        span = padded_range(np.concatenate(known), least=_LEAST.get(channel.kind, 0.1))
        chart = time_frame(run, span, f"a{column}", height=118, y_ticks=5, name="")
        proposals = [polyline(chart.x(t), chart.y(a[:, column]), "proposal") for t, a in self._proposals]
        measured = polyline(chart.x(run.seconds), chart.y(run.measured[:, column]), "measured")
        command = polyline(chart.x(run.seconds), chart.y(run.commands[:, column]), "line")
        return page.figure(
            dimension_title(channel, index), chart.svg(seam_lines(chart, run), *proposals, measured, command)
        )

    def section(self) -> str:
        """All panels; arm by arm in columns when there are two."""
        channels = self._run.space.channels
        dims = [(channel, index) for channel in channels for index in range(channel.size)]
        panels = [self.panel(column, channel, index) for column, (channel, index) in enumerate(dims)]
        half = len(panels) // 2
        paired = [panel for pair in zip(panels[:half], panels[half:], strict=False) for panel in pair]
        colours = {"commanded": "var(--c1)", "measured": "var(--c2)", "what each chunk proposed": "var(--c3)"}
        return page.section(
            "Actions",
            page.legend(colours),
            page.columns(paired if len(panels) % 2 == 0 else panels),
            note="Dashed lines: a new chunk takes over. Thin green lines run on to the end of each chunk, also past "
            "the point where its successor took over. Click a chart to move the video there.",
        )


def action_series(run: RunData) -> dict[str, list[tuple[str, list[float | None]]]]:
    """Values under the cursor, by panel key."""
    return {
        f"a{column}": [
            ("command", _rounded(run.commands[:, column])),
            ("measured", _rounded(run.measured[:, column])),
        ]
        for column in range(run.space.dim)
    }


def _rounded(values: NDArray[np.float64]) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]
