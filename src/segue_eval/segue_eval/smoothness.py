"""The smoothness of commanded actions, NaN where a trajectory is too short or too still to have one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.metrics import nldlj_actions, nsparc_actions, sparc_reference_actions

WINDOW_S = 5.0
_LEAST_ROWS = 4  # a jerk sample spans four positions


@dataclass(frozen=True)
class Smoothness:
    """Smoothness metrics, smaller is smoother; defined in `segue_core.metrics`.

    The first four are of the whole trajectory, as in Legato's App. D; those that end in `_5s` are means over its whole
    windows of 5 s, so that episodes of unequal length can be compared.
    """

    nsparc: float = math.nan
    sparc_reference: float = math.nan
    nldlj: float = math.nan
    nldlj_dimensionless: float = math.nan
    nsparc_5s: float = math.nan
    sparc_reference_5s: float = math.nan
    nldlj_5s: float = math.nan


def smoothness(actions: NDArray[np.float64], space: ActionSpace, connections: Iterable[int]) -> Smoothness:
    """Metrics of the commands (T, D); `connections` are the rows at which a new chunk took over."""
    if len(actions) < _LEAST_ROWS:
        return Smoothness()
    seams = tuple(connections)
    size = max(_LEAST_ROWS, round(WINDOW_S * space.rate_hz))
    starts = range(0, len(actions) - size + 1, size)  # whole windows: what is left at the end is left out
    parts = [(actions[a : a + size], [seam - a for seam in seams if a < seam < a + size]) for a in starts]
    return Smoothness(
        nsparc=nsparc_actions(actions, space),
        sparc_reference=sparc_reference_actions(actions, space),
        nldlj=nldlj_actions(actions, space, seams),
        nldlj_dimensionless=nldlj_actions(actions, space, seams, power=3),
        nsparc_5s=_mean([nsparc_actions(part, space) for part, _ in parts]),
        sparc_reference_5s=_mean([sparc_reference_actions(part, space) for part, _ in parts]),
        nldlj_5s=_mean([nldlj_actions(part, space, seams) for part, seams in parts]),
    )


def _mean(values: list[float]) -> float:
    """Of the finite ones: a window in which nothing moves has none."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan
