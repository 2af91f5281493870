"""A progress estimator: it looks on while any policy does a task, and says how much of it is done."""

from dataclasses import dataclass
from typing import Protocol

from segue_core.observation import Observation

RATE_HZ = 5.0
"""How often it is asked."""


@dataclass(frozen=True)
class EstimatorInfo:
    """What an estimator needs and is worth.

    Args:
        name: the source of its estimates.
        cameras: pictures that it looks at.
        image_size: their width and height [px].
        instructions: those that it was trained on; see `instructions.familiarity`.
        threshold: value of the rule `progress_threshold` that its calibration found; None: it found none.
        promise: what the calibration says of that value, in words.
    """

    name: str
    cameras: tuple[str, ...]
    image_size: tuple[int, int]
    instructions: tuple[str, ...]
    threshold: float | None = None
    promise: str = ""


class ProgressEstimator(Protocol):
    """Called from one thread: `begin` before each task, then `estimate` for its observations, in order."""

    @property
    def info(self) -> EstimatorInfo:
        """What it needs and is worth."""
        ...

    def begin(self, instruction: str) -> None:
        """A task begins; the next observation is its first."""
        ...

    def estimate(self, observation: Observation) -> float:
        """Fraction of the task that is done, in [0, 1]; raises PolicyError for a picture that is not as trained."""
        ...


def period_ticks(rate_hz: float) -> int:
    """Ticks between two estimates at a control rate of `rate_hz`."""
    return max(1, round(rate_hz / RATE_HZ))
