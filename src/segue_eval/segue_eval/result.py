"""What one episode leaves behind, and its form as one JSON line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import DataError, ErrorCode
from segue_eval.smoothness import Smoothness
from segue_scheduler.tick import SeamReport

DONE_RULES = frozenset({"task_detector", "progress_threshold", "policy_stop", "keyframe_reached"})
"""Termination rules that end a task because it is done; all others end it although it is not."""

SAID, TIMES = "policy: ", ", times: "
"""A note of the policy in `EpisodeResult.notes`, and how often it was said."""

FAULT_RULE = "fault"
"""What ended a task when the scheduler gave up."""


@dataclass(frozen=True)
class EpisodeResult:
    """One episode. `actions` (T, D) float64 are the commanded rows; the row form leaves them out.

    `success` is what the run ended as, `judged` what the simulator's judge says of its last tick.
    `starved` counts ticks without a row, `interventions` what the safety guard changed, `shortened` the requests
    that had to claim a shorter delay or ramp than configured; `notes` are the scheduler's own words about it, and
    what the policy said of its answers.
    `first_action_s` is the time to the first action of a chunk [s]; NaN without one.
    `path_m` is how far the commands move all end-effectors together [m]; NaN where they say joints.
    `progress_pearson`, `progress_mae` and `stop_reliable` (0 or 1) compare what a progress estimator said with the ramp
    from 0 to 1 over the episode, see `segue_core.progress.traces`; NaN without one.
    `tries` is how many attempts at the seed it took, of which this is the last; 1 where there is one only.
    `smooth` is in the row form as its own fields.
    """

    seed: int
    success: bool
    judged: bool
    score: float
    ticks: int
    rate_hz: float
    rule: str
    reason: str
    starved: int
    interventions: int
    shortened: int
    smooth: Smoothness
    seams: tuple[SeamReport, ...]
    actions: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    wall_s: float = 0.0
    first_action_s: float = math.nan
    path_m: float = math.nan
    progress_pearson: float = math.nan
    progress_mae: float = math.nan
    stop_reliable: float = math.nan
    tries: int = 1

    @property
    def claimed_done(self) -> bool:
        """A rule that says "done" ended the episode, rightly or not."""
        return self.rule in DONE_RULES

    @property
    def false_stop(self) -> bool:
        """Termination said done and the judge says no."""
        return self.claimed_done and not self.judged

    @property
    def missed_stop(self) -> bool:
        """The judge says done and termination did not: the episode ran into its limit, or was given up."""
        return self.judged and not self.claimed_done

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
    def overlap_motion(self) -> float:
        """`overlap_rmse` without the grippers' numbers."""
        return _mean(seam.overlap_motion for seam in self.seams)

    @property
    def overlap_gripper(self) -> float:
        """`overlap_rmse` of the grippers' numbers alone (0 open to 1 closed), the rest of the squared sum."""
        return _mean(
            math.sqrt(max(0.0, seam.overlap_rmse**2 - seam.overlap_motion**2))
            for seam in self.seams
            if seam.overlap_rmse is not None and seam.overlap_motion is not None
        )

    @property
    def seam_jump(self) -> float:
        """Mean command jump where a chunk took over from another, as in the report of a live run; NaN without one.

        The first chunk takes over from standing still: its step says where the task begins, and is none of these.
        """
        return _mean(seam.jump for seam in self.seams[1:])

    def to_row(self) -> dict[str, object]:
        """A JSON object of plain values (NaN as null), with the derived means beside the raw seams."""
        left_out = ("actions", "smooth")
        row = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in left_out}
        row |= asdict(self.smooth)
        row["seams"] = [asdict(seam) for seam in self.seams]
        row |= {"seconds": self.seconds, "seam_jump": self.seam_jump}
        row |= {"overlap_rmse": self.overlap_rmse, "overlap_motion": self.overlap_motion}
        row |= {"overlap_gripper": self.overlap_gripper}
        row |= {"false_stop": self.false_stop, "missed_stop": self.missed_stop, "notes": list(self.notes)}
        return {key: _plain(value) for key, value in row.items()}


def _mean(values: Iterable[float | None]) -> float:
    data = [value for value in values if value is not None]
    return float(np.mean(data)) if data else math.nan


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_KINDS: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "str": (str,),
    "int": (int,),
    "float": (float, int, NoneType),
    "float | None": (float, int, NoneType),
}


def _kinds(of: type) -> dict[str, str]:
    """Names of the types of a dataclass's fields, by field; those of `_KINDS` only."""
    names = {field.name: getattr(field.type, "__name__", str(field.type)) for field in fields(of)}
    return {name: kind for name, kind in names.items() if kind in _KINDS}


_FIELDS, _SMOOTH, _SEAM = map(_kinds, (EpisodeResult, Smoothness, SeamReport))
_LEAST = {"seed": 0, "ticks": 0, "starved": 0, "interventions": 0, "shortened": 0, "tries": 1}
_MOST, _FASTEST_HZ = 2**53, 10_000
_NEWER = frozenset({"first_action_s", "path_m", "progress_pearson", "progress_mae", "stop_reliable", "tries"})
"""Fields that rows of before do not have."""


def result_from_row(row: Mapping[str, Any]) -> EpisodeResult:
    """The result that `to_row` wrote, without actions; DataError naming what is missing or wrong."""
    try:
        values = _read(
            row, {name: kind for name, kind in _FIELDS.items() if name in row or name not in _NEWER}
        )
        for name, least in _LEAST.items():
            if values.get(name, least) < least:
                raise ValueError(f"{name}: got {values[name]}, allowed: at least {least}")
        if not 0 < values["rate_hz"] <= _FASTEST_HZ:
            raise ValueError(f"rate_hz: got {values['rate_hz']}, allowed: above 0, at most {_FASTEST_HZ}")
        smooth = Smoothness(**_read(row, _SMOOTH))
        seams = tuple(SeamReport(**_read_seam(seam)) for seam in _list(row, "seams"))
        notes = tuple(_value("notes", note, "str") for note in _list(row, "notes"))
    except (KeyError, TypeError, ValueError) as error:
        text = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(ErrorCode.DATA_DATASET_INVALID, f"episode row: {text}") from error
    return EpisodeResult(smooth=smooth, seams=seams, notes=notes, actions=np.zeros((0, 0)), **values)


def _read_seam(row: Mapping[str, Any]) -> dict[str, Any]:
    given = _read(
        row, {name: kind for name, kind in _SEAM.items() if name in row or name != "overlap_motion"}
    )
    may_be_none = {name for name, kind in _SEAM.items() if kind.endswith("None")}
    return {
        name: None if name in may_be_none and row[name] is None else value for name, value in given.items()
    }


def _list(row: Mapping[str, Any], name: str) -> list[Any]:
    found = row[name]
    if not isinstance(found, list):
        raise TypeError(f"{name}: got {found!r:.100}, expected a list")
    return found


def _read(row: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    return {name: _value(name, row[name], kind) for name, kind in kinds.items()}


def _value(name: str, value: Any, kind: str) -> Any:
    """A value of a field; null is NaN, as `to_row` writes it."""
    if type(value) not in _KINDS[kind]:
        raise TypeError(f"{name}: got {value!r:.100}, expected {kind}")
    if isinstance(value, int | float) and not abs(value) <= _MOST:
        raise ValueError(f"{name}: got {value!r:.100}, allowed: -2^53 to 2^53")
    return math.nan if value is None else float(value) if kind.startswith("float") else value
