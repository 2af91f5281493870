"""What the calibration of a learned stop looks like: false stops by threshold, and progress along demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.progress.calibration import Calibration, quiet_value
from segue_core.progress.stop import STANDING
from segue_core.progress.traces import ProgressTrace
from segue_data.storage.atomic import whole_file

_SHOWN = 40  # demonstrations


def draw_calibration(
    file: Path,
    found: Calibration,
    quiet: NDArray[np.float64],
    judging: tuple[ProgressTrace, ...],
    rate_hz: float,
    done_share: float,
) -> None:
    """Write a PNG; `quiet` (n,) are the calibrating demonstrations' values, `judging` the others."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    stops, along = figure.subplots(1, 2)
    others = np.array([quiet_value(one, STANDING, rate_hz, done_share) for one in judging])
    _draw_stops(stops, found, {"calibrating": quiet, "other": others})
    _draw_traces(along, found, judging, done_share)
    with whole_file(file) as part:
        figure.savefig(part, format="png", dpi=100)


def _draw_stops(axes: Any, found: Calibration, quiet: dict[str, NDArray[np.float64]]) -> None:
    thresholds = np.linspace(0.0, 1.0, 501)
    for name, values in quiet.items():
        share = (values[None] > thresholds[:, None]).mean(1)  # (501,)
        axes.step(thresholds, 100 * share, where="post", label=f"{len(values)} {name} demonstrations")
    axes.axhline(100 * found.budget, color="grey", linestyle=":", label=f"budget {100 * found.budget:g} %")
    if found.threshold is not None:
        axes.axvline(found.threshold, color="black", linestyle="--", label=f"threshold {found.threshold:.3f}")
    axes.set(title=f"promised: at most {100 * found.promised:.2g} % false stops", xlabel="threshold")
    axes.set(ylabel="false stops [%]", xlim=(0, 1), ylim=(0, 102))
    axes.legend(loc="lower left", fontsize="small")


def _draw_traces(axes: Any, found: Calibration, traces: tuple[ProgressTrace, ...], done_share: float) -> None:
    shown = traces[:_SHOWN]
    for trace in shown:
        axes.plot(trace.actual, trace.predicted, color="C0", alpha=0.35, linewidth=0.8)
    axes.plot([0, 1], [0, 1], color="black", linewidth=1.0, label="t / T")
    axes.axvline(done_share, color="grey", linestyle=":", label="a stop before is false")
    if found.threshold is not None:
        axes.axhline(found.threshold, color="black", linestyle="--", label="threshold")
    axes.set(title=f"{len(shown)} demonstrations that calibrated nothing", xlabel="t / T")
    axes.set(ylabel="predicted progress", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper left", fontsize="small")
