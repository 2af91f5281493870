"""The numbers of one run, as `metrics.json` holds them. Units are in the names; absent values are None."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from segue_core.ending_words import word_of
from segue_eval.report.guard_words import refusals
from segue_eval.report.run_data import RunData
from segue_eval.smoothness import smoothness


def jitter_ms(run: RunData) -> NDArray[np.float64]:
    """Deviation of each tick's interval from its nominal length (T - 1,) [ms], by the wall clock."""
    nominal = np.diff(run.ticks) / run.space.rate_hz
    deviation: NDArray[np.float64] = (np.diff(run.received_s) - nominal) * 1e3
    return deviation


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _spread(name: str, values: Iterable[float | None]) -> dict[str, float | None]:
    data = np.array([value for value in values if value is not None], dtype=np.float64)
    if data.size == 0:
        return {f"{name}_mean": None, f"{name}_max": None}
    return {f"{name}_mean": float(data.mean()), f"{name}_max": float(data.max())}


def _jitter(run: RunData) -> dict[str, float | None]:
    size = np.abs(jitter_ms(run))
    if size.size == 0:
        return {"tick_jitter_median_ms": None, "tick_jitter_p99_ms": None, "tick_jitter_max_ms": None}
    median, p99, largest = np.percentile(size, [50, 99, 100])
    return {
        "tick_jitter_median_ms": float(median),
        "tick_jitter_p99_ms": float(p99),
        "tick_jitter_max_ms": float(largest),
    }


def _smoothness(run: RunData) -> dict[str, float | None]:
    known = np.isfinite(run.commands).all(axis=1)
    rows = np.cumsum(known) - 1  # row of each tick once ticks without a command are left out
    seams = [int(rows[np.searchsorted(run.ticks, chunk.tick)]) for chunk in run.chunks]
    smooth = smoothness(run.commands[known], run.space, seams)
    return {name: _finite(value) for name, value in asdict(smooth).items()}


def run_metrics(run: RunData) -> dict[str, object]:
    """Outcome, length, delays [ticks], overlap and seams [action space units], smoothness, jitter, safety."""
    return {
        "outcome": word_of(run.ending.success, run.ending.rule, bool(run.ending.code)),
        "success": run.ending.success,
        "rule": run.ending.rule,
        "reason": run.ending.reason,
        "continuation": run.continuation,
        "ticks": len(run.ticks),
        "duration_s": run.duration_s,
        "score": _finite(run.score.last),
        "placed": _finite(run.placed.last),
        "total": run.total,
        "chunks": len(run.chunks),
        "starved_ticks": int(run.starved.sum()),
        **_spread("delay_ticks", (float(chunk.delay) for chunk in run.chunks)),
        "time_to_first_action_s": run.first_action_s,
        "streamed_chunks": sum(chunk.streamed for chunk in run.chunks),
        **_spread(
            "decoding_ticks",
            (float(chunk.parts[-1][0] - chunk.parts[0][0]) for chunk in run.chunks if chunk.streamed),
        ),
        **_spread("action_age_ticks", (float(age) for age in run.action_age if age >= 0)),
        **_spread("inference_s", (chunk.inference_s for chunk in run.chunks)),
        **_spread("overlap_motion", (chunk.overlap_motion for chunk in run.chunks)),
        **_spread("seam_jump", (chunk.jump for chunk in run.chunks)),
        **_smoothness(run),
        **_jitter(run),
        "guard_interventions": sum(run.safety_counts.values()),
        "guard_refusals": refusals(run.safety_counts),
        "late_controller_cycles": run.late_cycles,
        "safety": dict(run.safety_counts),
    }
