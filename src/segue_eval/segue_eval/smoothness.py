"""The smoothness of commanded actions, NaN where a trajectory is too short or too still to have one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.metrics import nldlj_actions, nsparc_actions

_LEAST_ROWS = 4  # a jerk sample spans four positions


@dataclass(frozen=True)
class Smoothness:
    """Legato's smoothness metrics (App. D), smaller is smoother; defined in `segue_core.metrics`."""

    nsparc: float
    nldlj: float
    nldlj_dimensionless: float


def smoothness(actions: NDArray[np.float64], space: ActionSpace, connections: Iterable[int]) -> Smoothness:
    """Metrics of the commands (T, D); `connections` are the rows at which a new chunk took over."""
    if len(actions) < _LEAST_ROWS:
        return Smoothness(math.nan, math.nan, math.nan)
    seams = tuple(connections)
    return Smoothness(
        nsparc=nsparc_actions(actions, space),
        nldlj=nldlj_actions(actions, space, seams),
        nldlj_dimensionless=nldlj_actions(actions, space, seams, power=3),
    )
