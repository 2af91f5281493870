"""How high the bar of a learned stop must be so that it stops falsely at most so often (split conformal prediction).

    quiet value of a demonstration    the lowest threshold with which the rule does not stop before its end
    threshold of n of them            the k-th smallest quiet value, k = ceil((n + 1) (1 - budget))

If the next task is like the demonstrations (exchangeable with them), the rule stops it too early with a probability of
at most 1 - k / (n + 1), whatever the estimator is worth; that is over the draw of the demonstrations, too. A budget
of 2 % needs 49 of them; fewer promise what they can, 1 / (n + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from segue_core.progress.stop import LearnedStop, StopOptions
from segue_core.progress.traces import ProgressTrace

_HALVINGS = 20  # of the range of thresholds: to a millionth
_LOUD = 2.0  # quiet value of a demonstration that no threshold keeps quiet


@dataclass(frozen=True)
class Calibration:
    """A threshold and what it promises.

    Args:
        threshold: None where even 1 stops too early, as a saturated estimator does.
        budget: share of false stops that was asked for.
        promised: share that the demonstrations can promise; the budget or less if they are enough, more if not.
        demonstrations: how many there were, none of which the estimator was trained on.
    """

    threshold: float | None
    budget: float
    promised: float
    demonstrations: int

    def __str__(self) -> str:
        if self.threshold is None:
            return f"no threshold keeps false stops at {100 * self.budget:g} %: predictions reach 1 too early"
        kept = "" if self.promised <= self.budget else f", more than the {100 * self.budget:g} % asked for"
        what = f"threshold {self.threshold:.3f}: at most {100 * self.promised:.2g} % false stops"
        return f"{what}{kept} ({self.demonstrations} demonstrations)"


def stop_tick(
    trace: ProgressTrace, options: StopOptions, rate_hz: float, until: int, threshold: float | None = None
) -> int | None:
    """First tick before `until` at which the rule ends the task; the last prediction stays. None: it does not.

    `threshold` replaces the options' value and may be any number.
    """
    chosen = options if threshold is None else options.model_copy(update={"value": threshold})
    rule, said = LearnedStop(chosen, rate_hz), dict(zip(trace.ticks.tolist(), trace.predicted, strict=True))
    every = max(1, int(trace.ticks[1] - trace.ticks[0])) if len(trace.ticks) > 1 else 1
    beyond = range(int(trace.ticks[-1]) + every, until, every)  # an estimator goes on
    said |= dict.fromkeys(beyond, trace.predicted[-1])
    ticks = range(int(trace.ticks[0]), until)
    return next((tick for tick in ticks if rule.done(tick, said.get(tick))), None)


def quiet_value(trace: ProgressTrace, options: StopOptions, rate_hz: float, done_share: float) -> float:
    """The lowest threshold, to a millionth, with which the rule does not end the task before `done_share` of it.

    Above 1 where there is none: a rule that stops with a threshold stops with every lower one.
    """
    until = ceil(done_share * trace.last_tick)
    low, high = 0.0, 1.0
    if stop_tick(trace, options, rate_hz, until, high) is not None:
        return _LOUD
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        stops = stop_tick(trace, options, rate_hz, until, middle) is not None
        low, high = (middle, high) if stops else (low, middle)
    return high


def calibrate(quiet: Sequence[float], budget: float) -> Calibration:
    """The threshold from the quiet values of demonstrations, at least one, for a budget in (0, 1) of false stops."""
    count = len(quiet)
    rank = min(count, ceil((count + 1) * (1 - budget) - 1e-9))
    threshold = float(sorted(quiet)[rank - 1])
    promised = (count + 1 - rank) / (count + 1)
    return Calibration(threshold if threshold <= 1 else None, budget, promised, count)
