"""What one episode leaves behind, and its form as one JSON line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import DataError, ErrorCode
from segue_scheduler.tick import SeamReport


@dataclass(frozen=True)
class EpisodeResult:
    """One episode. `actions` (T, D) float64 are the commanded rows; the row form leaves them out.

    `starved` counts ticks without a row, `interventions` what the safety guard changed.
    `nsparc`, `nldlj` and `nldlj_dimensionless` are NaN for an episode too short to have them.
    """

    seed: int
    success: bool
    score: float
    ticks: int
    rate_hz: float
    rule: str
    reason: str
    starved: int
    interventions: int
    nsparc: float
    nldlj: float
    nldlj_dimensionless: float
    seams: tuple[SeamReport, ...]
    actions: NDArray[np.float64]
    wall_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Episode length on the task's own clock [s]."""
        return self.ticks / self.rate_hz

    @property
    def delays(self) -> tuple[int, ...]:
        """Measured delay of every spliced chunk [ticks]."""
        return tuple(seam.delay for seam in self.seams)

    @property
    def overlap_rmse(self) -> float:
        """Mean overlap RMSE over the episode's seams; NaN without a seam."""
        return _mean(seam.overlap_rmse for seam in self.seams)

    @property
    def seam_jump(self) -> float:
        """Mean command jump over the episode's seams; NaN without a seam."""
        return _mean(seam.jump for seam in self.seams)

    def to_row(self) -> dict[str, object]:
        """A JSON object of plain values (NaN as null), with the derived means beside the raw seams."""
        row = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "actions"}
        row["seams"] = [asdict(seam) for seam in self.seams]
        row |= {"seconds": self.seconds, "overlap_rmse": self.overlap_rmse, "seam_jump": self.seam_jump}
        return {key: _plain(value) for key, value in row.items()}


def _mean(values: Iterable[float | None]) -> float:
    data = [value for value in values if value is not None]
    return float(np.mean(data)) if data else math.nan


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "bool": bool,
    "str": str,
    "int": int,
    "float": lambda value: math.nan if value is None else float(value),
}
_FIELDS = {field.name: str(field.type) for field in fields(EpisodeResult) if field.type in _READERS}


def result_from_row(row: Mapping[str, Any]) -> EpisodeResult:
    """The result that `to_row` wrote, without actions; DataError naming what is missing or wrong."""
    try:
        values = {name: _READERS[kind](row[name]) for name, kind in _FIELDS.items()}
        seams = tuple(SeamReport(**seam) for seam in row["seams"])
        return EpisodeResult(seams=seams, actions=np.zeros((0, 0)), **values)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            ErrorCode.DATA_DATASET_INVALID,
            "episode row",
            got=repr(error),
            expected="what EpisodeResult.to_row writes",
        ) from error
