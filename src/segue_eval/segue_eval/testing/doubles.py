"""A policy whose answers are known, and factories that worker processes can import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, PolicyError
from segue_core.history import FIRST
from segue_core.observation import Observation
from segue_core.policy import CAPABILITIES, PolicyInfo, PredictRequest, PredictResult
from segue_core.progress.estimator import EstimatorInfo
from segue_eval.evaluate import EpisodeRunner
from segue_eval.result import EpisodeResult
from segue_eval.smoothness import Smoothness
from segue_scheduler.testing.scripted_policy import policy_info

CAMERAS = ("head", "left_wrist", "right_wrist")


@dataclass
class WavingPolicy:
    """Both tools rise and fall by `height` [m] around the first observed pose; every request is kept."""

    height: float = 0.02
    failing: bool = False
    requests: list[PredictRequest] = field(default_factory=list)

    @property
    def info(self) -> PolicyInfo:
        """Can do everything but stream; reads three cameras."""
        info = policy_info(DUAL_ARM_EE, capabilities=CAPABILITIES - {"streaming"})
        return PolicyInfo(**(info.__dict__ | {"name": "waving", "cameras": CAMERAS, "image_size": (96, 72)}))

    def reset(self) -> None:
        """Forget the episode."""
        self.requests = []

    def predict(self, request: PredictRequest) -> PredictResult:
        """Rows that depend on the first observation and the tick only; PolicyError when told to fail."""
        self.requests.append(request)
        if self.failing:
            raise PolicyError(ErrorCode.POLICY_FAILED, "told to fail")
        ticks = request.start_tick + np.arange(60)
        actions = np.repeat(self.requests[0].observation.state[None], 60, axis=0)
        for side in ("left", "right"):
            column = DUAL_ARM_EE.slice(f"{side}_position").start + 2
            actions[:, column] += self.height * np.sin(ticks / 15.0)
        return PredictResult(
            ActionChunk(actions, request.start_tick, "waving", request.sequence, omega=request.omega)
        )


@dataclass
class TellingEstimator:
    """Sees the head camera; done after `done_at` ticks, in even steps. What it is shown is kept."""

    done_at: int = 60
    knows: tuple[str, ...] = ()
    told: str = ""
    seen: list[Observation] = field(default_factory=list)

    @property
    def info(self) -> EstimatorInfo:
        """Looks at small pictures."""
        return EstimatorInfo("telling", ("head",), (48, 36), self.knows)

    def begin(self, instruction: str) -> None:
        """Forget the task before."""
        self.told, self.seen = instruction, []

    def estimate(self, observation: Observation) -> float:
        """By the ticks since the first observation."""
        self.seen.append(observation)
        return min(1.0, (observation.tick - self.seen[0].tick) / self.done_at)


class StreamingPolicy(WavingPolicy):
    """Gives its chunk in three parts of equal length."""

    @property
    def info(self) -> PolicyInfo:
        """Streams."""
        return replace(super().info, capabilities=CAPABILITIES)

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """20, 40 and 60 rows."""
        whole = self.predict(request).chunk
        for rows in (20, 40, 60):
            yield PredictResult(replace(whole, actions=whole.actions[:rows], complete=rows == 60))


@dataclass
class RememberingPolicy(WavingPolicy):
    """Looks at the first observation, that of two ticks ago and the newest, and remembers every fourth tick.

    The more it has executed, the higher it waves, so a memory that is told otherwise shows in its chunks.
    """

    told: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)

    @property
    def info(self) -> PolicyInfo:
        """As it says."""
        return replace(super().info, history=(FIRST, -2, 0), observe_every=4)

    def reset(self) -> None:
        """Forget what was told, too."""
        super().reset()
        self.told = []

    def observe(self, observation: Observation, executed: NDArray[np.float32]) -> None:
        """Keep the tick and the rows."""
        self.told.append((observation.tick, executed))

    def fork(self) -> RememberingPolicy:
        """One with the same past."""
        other = RememberingPolicy(self.height)
        other.told = self.told.copy()
        return other

    def predict(self, request: PredictRequest) -> PredictResult:
        """Waves by what it has executed."""
        self.height = 0.01 + 1e-4 * sum(len(rows) for _, rows in self.told)
        return super().predict(request)


def result_for(seed: int, success: bool = True, score: float = 10.0, ticks: int = 300) -> EpisodeResult:
    """A result without seams."""
    return EpisodeResult(
        seed=seed,
        success=success,
        judged=success,
        score=score,
        ticks=ticks,
        rate_hz=30.0,
        rule="task_detector" if success else "time_limit",
        reason="scripted",
        starved=0,
        interventions=0,
        shortened=0,
        smooth=Smoothness(nsparc=1.5, nldlj=20.0),
        seams=(),
        actions=np.zeros((0, 14)),
    )


def _scripted(seed: int) -> EpisodeResult:
    if seed == 13:
        raise PolicyError(ErrorCode.POLICY_FAILED, "unlucky")
    return result_for(seed, success=seed % 2 == 0, ticks=100 + seed)


def scripted_runner() -> EpisodeRunner:
    """Runs no robot: even seeds succeed, 13 raises."""
    return _scripted
