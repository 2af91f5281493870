"""A corrector held to its word: what it adds is finite and within the bound that it declares, or it is not added.

phase       waiting   running          holding (starved, thinking)    finished
added       0         correct(...)     what was added last            what was added last
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.corrector import Corrector, Moment
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo
from segue_core.registry import installed
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.tick import Phase, TickOutput

GROUP = "segue.correctors"
"""Entry points of correctors: each names a function from (options, `ActionSpace`) to a `Corrector`."""


def create(
    config: SchedulerConfig, space: ActionSpace, info: PolicyInfo | None = None
) -> "BoundedCorrector | None":
    """The configured corrector, ready to be applied; None without one.

    Raises:
        ConfigError: no such corrector, an option that it refuses, a bound that is none, or a camera that the policy of
            `info` is not shown.
    """
    if not config.corrector:
        return None
    entries = installed(GROUP)
    if config.corrector not in entries:
        raise unknown_name("corrector", config.corrector, sorted(entries))
    corrector: Corrector = entries[config.corrector].load()(dict(config.corrector_options), space)
    blind = sorted(set(corrector.cameras) - set(info.cameras)) if info else []
    if blind:
        text = f"corrector {config.corrector!r} looks at {', '.join(blind)}, which the policy is not shown"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, allowed=info.cameras if info else ())
    return BoundedCorrector(config.corrector, corrector, space)


class BoundedCorrector:
    """Applies a corrector to every tick of a run.

    Attributes:
        cut: ticks at which more than the bound was asked for.
        refused: ticks at which it failed, or gave what is no residual; nothing was added.
    """

    def __init__(self, name: str, corrector: Corrector, space: ActionSpace) -> None:
        self._name, self._corrector, self._space = name, corrector, space
        self._bound = np.array(corrector.bound, dtype=np.float64)
        if self._bound.shape != (space.dim,) or not np.isfinite(self._bound).all() or self._bound.min() < 0:
            text, expected = f"bound of corrector {name!r}", f"{space.dim} finite numbers of 0 or more"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=self._bound, expected=expected)
        self.cut = self.refused = 0
        self._last = np.zeros(space.dim)

    @property
    def looks(self) -> bool:
        """Whether it needs the pictures of an observation."""
        return bool(self._corrector.cameras)

    def reset(self) -> None:
        """A plan begins; the counts go on."""
        self._corrector.reset()
        self._last = np.zeros(self._space.dim)

    def apply(self, output: TickOutput, observation: Observation) -> TickOutput:
        """The tick with its residual added, and with a note for the first one that is cut and the first refused."""
        notes: tuple[str, ...] = ()
        if output.phase is Phase.RUNNING and output.row is not None:
            moment = Moment(output.tick, observation, output.action.copy(), output.row, output.rows)
            self._last, notes = self._residual(moment)
        if output.phase in (Phase.IDLE, Phase.WAITING):
            return replace(output, correction=np.zeros(self._space.dim))
        return replace(
            output,
            action=output.action + self._last,
            correction=self._last.copy(),
            notes=(*output.notes, *notes),
        )

    def metrics(self) -> Mapping[str, float]:
        """Counts of the run, by name."""
        return {"cut_corrections": float(self.cut), "refused_corrections": float(self.refused)}

    def _residual(self, moment: Moment) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        try:
            residual = np.array(self._corrector.correct(moment), dtype=np.float64)
            wrong = "" if residual.shape == self._bound.shape else f"got shape {residual.shape}"
            wrong = wrong or ("" if np.isfinite(residual).all() else "it is not finite")
        except Exception as error:  # of any library that a corrector is made of
            residual, wrong = self._bound, f"{type(error).__name__}: {error}"
        if wrong:
            self.refused += 1
            note = f"correction of {self._name!r} refused, none is added: {wrong}"
            return np.zeros_like(self._bound), (note,) * (self.refused == 1)
        within: NDArray[np.float64] = np.clip(residual, -self._bound, self._bound)
        if np.array_equal(within, residual):
            return within, ()
        self.cut += 1
        worst = self._space.names[int(np.argmax(np.abs(residual) - self._bound))]
        return within, (f"correction of {self._name!r} cut to its bound, first at {worst}",) * (self.cut == 1)
