"""What an estimator is worth along whole episodes: some calibrate its stop, the others judge it and the stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.progress.calibration import Calibration, calibrate, quiet_value, stop_tick
from segue_core.progress.stop import STANDING, StopOptions
from segue_core.progress.traces import ProgressTrace, scores

_AFTER_S = 2.0  # how long the rule may take after the end


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found.

    Args:
        quiet: (n,) values of the calibrating episodes.
        traces: the others.
        scores: by name.
    """

    calibration: Calibration
    quiet: NDArray[np.float64]
    traces: tuple[ProgressTrace, ...]
    scores: dict[str, float]


def judge(traces: Sequence[ProgressTrace], rate_hz: float, budget: float, done_share: float) -> Judged:
    """Of one episode or more that were not trained on; every other one calibrates."""
    kept = tuple(traces)
    calibrating, judging = (kept[::2], kept[1::2]) if len(kept) > 1 else (kept, kept)
    quiet = np.array([quiet_value(one, STANDING, rate_hz, done_share) for one in calibrating])
    found = calibrate(quiet.tolist(), budget)
    return Judged(found, quiet, judging, {**scores(judging), **_stops(found, judging, rate_hz, done_share)})


def _stops(
    found: Calibration, traces: tuple[ProgressTrace, ...], rate_hz: float, done_share: float
) -> dict[str, float]:
    """How often the calibrated stop comes too early, and how often not even two seconds after the end."""
    if found.threshold is None:
        return {"stop_threshold": 1.0, "false_stops": 0.0, "missed_stops": 1.0}
    after = round(_AFTER_S * rate_hz)
    ends = [
        (stop_tick(one, StopOptions(), rate_hz, one.last_tick + after, found.threshold), one)
        for one in traces
    ]
    early = [end is not None and end < np.ceil(done_share * one.last_tick) for end, one in ends]
    return {
        "stop_threshold": found.threshold,
        "false_stops": float(np.mean(early)),
        "missed_stops": float(np.mean([end is None for end, _ in ends])),
    }
