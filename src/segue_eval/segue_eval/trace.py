"""What is remembered of an episode while it runs, and the result made of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.metrics import path_length
from segue_core.progress.traces import ProgressTrace, scores
from segue_core.task_state import TaskState
from segue_eval.result import SAID, TIMES, EpisodeResult
from segue_eval.smoothness import smoothness
from segue_scheduler.tick import Outcome, Phase, SeamReport, TickOutput

_KEPT_NOTES = 8  # different sentences of one episode; they repeat themselves


@dataclass
class Trace:
    """Commands, seams and starvation of one episode, in tick order."""

    space: ActionSpace
    actions: list[NDArray[np.float64]] = field(default_factory=list)
    seams: list[SeamReport] = field(default_factory=list)
    starved: int = 0
    first_action: int | None = None
    notes: dict[str, None] = field(default_factory=dict)
    outcome: Outcome | None = None
    told: Counter[str] = field(default_factory=Counter)  # what the policy said of its answers
    progress: ProgressTrace | None = None  # what a progress estimator said

    def add(self, output: TickOutput) -> None:
        """Remember one tick."""
        self.actions.append(output.action)
        self.starved += output.starved
        if self.first_action is None and output.phase is Phase.RUNNING:
            self.first_action = len(self.actions) - 1
        self.outcome = output.outcome
        self.notes |= dict.fromkeys(output.notes if len(self.notes) < _KEPT_NOTES else ())
        if output.seam is not None:
            self.seams.append(output.seam)

    def result(
        self, seed: int, state: TaskState, interventions: int, shortened: int, wall_s: float
    ) -> EpisodeResult:
        """The episode's result; `rule` is `max_ticks` when no termination rule ended it."""
        actions = np.asarray(self.actions, dtype=np.float64).reshape(-1, self.space.dim)
        outcome = self.outcome
        return EpisodeResult(
            seed=seed,
            success=outcome.success if outcome else False,
            judged=bool(state.success),
            score=float(state.score),
            ticks=len(self.actions),
            rate_hz=self.space.rate_hz,
            rule=outcome.rule if outcome else "max_ticks",
            reason=outcome.reason if outcome else "no termination rule ended the episode",
            starved=self.starved,
            interventions=interventions,
            shortened=shortened,
            notes=(*self.notes, *(f"{SAID}{text}{TIMES}{count}" for text, count in self.told.items())),
            smooth=smoothness(actions, self.space, [seam.tick for seam in self.seams]),
            seams=tuple(self.seams),
            actions=actions,
            wall_s=wall_s,
            path_m=path_length(actions, self.space),
            tries=1,
            **_progress(self.progress),
            first_action_s=math.nan if self.first_action is None else self.first_action / self.space.rate_hz,
        )


def _progress(trace: ProgressTrace | None) -> dict[str, float]:
    if trace is None:
        return {}
    said = scores([trace])
    return {
        "progress_pearson": said["pearson"],
        "progress_mae": said["mae"],
        "stop_reliable": said["stop_reliability"],
    }
