"""Laws of a corrector: what it adds is what it declared, and is known to whoever reads the run."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue_core.corrector import Moment
from segue_core.errors import ConfigError
from segue_core.observation import Observation
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler import bounded_corrector as correction
from segue_scheduler.bounded_corrector import BoundedCorrector
from segue_scheduler.replay import Witness, differences
from segue_scheduler.testing.line_robot import SPACE
from segue_scheduler.tick import Phase, TickOutput

D = SPACE.dim
SEEN = Observation(7, np.zeros(D, np.float32), {})


@dataclass
class Pushing:
    """Adds what it is told."""

    residual: object
    bound: NDArray[np.float64] = field(default_factory=lambda: np.full(D, 0.01))
    cameras: tuple[str, ...] = ()
    moments: list[Moment] = field(default_factory=list)

    def reset(self) -> None:
        self.moments = []

    def correct(self, moment: Moment) -> NDArray[np.float64]:
        self.moments.append(moment)
        if isinstance(self.residual, Exception):
            raise self.residual
        return self.residual  # type: ignore[return-value]


def made(corrector: Pushing) -> BoundedCorrector:
    return BoundedCorrector("pushing", corrector, SPACE)


def tick(phase: Phase = Phase.RUNNING, row: int | None = 3) -> TickOutput:
    return TickOutput(7, np.full(D, 0.2), phase, row=row, rows=60)


def test_a_residual_within_the_bound_is_added_and_told() -> None:
    corrector = Pushing(np.full(D, 0.004))
    output = made(corrector).apply(tick(), SEEN)
    np.testing.assert_array_equal(output.action, np.full(D, 0.2) + 0.004)
    np.testing.assert_array_equal(output.correction, np.full(D, 0.004))
    (moment,) = corrector.moments
    assert (moment.tick, moment.row, moment.horizon) == (7, 3, 60)
    np.testing.assert_array_equal(moment.planned, np.full(D, 0.2))


@given(st.floats(-1e6, 1e6), st.floats(0, 1))
def test_no_corrector_moves_further_than_it_declared(asked: float, bound: float) -> None:
    correction = made(Pushing(np.full(D, asked), np.full(D, bound)))
    output = correction.apply(tick(), SEEN)
    assert np.abs(output.action - 0.2).max() <= bound + 1e-12
    assert correction.cut == (abs(asked) > bound)


@pytest.mark.parametrize("residual", [np.full(D, np.nan), np.zeros(D + 1), "left", RuntimeError("upset")])
def test_what_is_no_residual_is_not_added_and_said_once(residual: object) -> None:
    correction = made(Pushing(residual))
    first, second = (correction.apply(tick(), SEEN) for _ in range(2))
    np.testing.assert_array_equal(first.action, tick().action)
    assert "'pushing' refused" in first.notes[0] and second.notes == ()
    assert correction.metrics()["refused_corrections"] == 2


def test_an_arm_that_waits_for_the_next_chunk_stays_where_it_was_corrected_to() -> None:
    corrector = Pushing(np.full(D, 0.004))
    correction = made(corrector)
    moving = correction.apply(tick(), SEEN)
    holding = correction.apply(tick(Phase.HOLDING, row=None), SEEN)
    np.testing.assert_array_equal(holding.action, moving.action)
    assert len(corrector.moments) == 1


def test_before_the_first_chunk_nothing_is_added() -> None:
    correction = made(Pushing(np.full(D, 0.004)))
    correction.apply(tick(), SEEN)
    correction.reset()
    for phase in (Phase.WAITING, Phase.HOLDING):
        np.testing.assert_array_equal(correction.apply(tick(phase, row=None), SEEN).action, tick().action)


@pytest.mark.parametrize("bound", [np.full(D, -0.1), np.full(D, np.inf), np.zeros(1 + D)])
def test_a_bound_that_is_none_is_refused_before_anything_moves(bound: NDArray[np.float64]) -> None:
    with pytest.raises(ConfigError, match="bound of corrector 'pushing'"):
        made(Pushing(np.zeros(D), bound))


def test_a_corrected_run_replays_bit_for_bit_from_what_was_recorded() -> None:
    output = made(Pushing(np.full(D, 0.1 / 3), np.full(D, 0.1))).apply(tick(), SEEN)
    witness = Witness(output.action, "running", False, correction=output.correction)
    assert differences([tick()], {7: witness}) == []
    assert differences([tick()], {7: replace(witness, correction=None)}) != []


def test_a_corrector_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigError, match="corrector"):
        correction.create(SchedulerConfig(corrector="nobody"), SPACE)
