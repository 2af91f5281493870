"""The trajectory controller of the rehearsal robot does what ros2_controllers' pages say of theirs."""

import numpy as np
import pytest

from segue_sim.rehearsal.trajectory_controller import Knot, TrajectoryController

ZERO = np.zeros(1)


def _knot(time_s: float, q: float, v: float) -> Knot:
    return Knot(time_s, np.array([q]), np.array([v]))


def _measured(q: float = 0.0) -> Knot:
    return _knot(0.0, q, 0.0)


def _path(controller: TrajectoryController, times: np.ndarray) -> np.ndarray:
    return np.array([controller.sample(t)[0][0] for t in times])


def test_the_points_are_met_and_the_last_one_is_held() -> None:
    controller = TrajectoryController(ZERO, splices=True, from_desired=False)
    assert controller.receive([_knot(1.0, 0.5, 1.0), _knot(2.0, 1.0, 0.0)], None, 10.0, _measured())
    np.testing.assert_allclose(
        _path(controller, np.array([10.0, 11.0, 12.0, 50.0])), [0.0, 0.5, 1.0, 1.0], atol=1e-12
    )
    assert controller.sample(11.0)[1][0] == pytest.approx(1.0, abs=1e-6)
    assert controller.sample(50.0)[1][0] == 0.0


def test_a_spliced_trajectory_leaves_the_old_path_untouched_up_to_its_start() -> None:
    first = [_knot(1.0, 1.0, 1.0), _knot(2.0, 1.5, 0.0)]
    alone = TrajectoryController(ZERO, splices=True, from_desired=False)
    spliced = TrajectoryController(ZERO, splices=True, from_desired=False)
    for controller in (alone, spliced):
        controller.receive(first, None, 0.0, _measured())
    spliced.receive([_knot(0.5, 3.0, 0.0)], 1.2, 0.9, _measured(99.0))
    before, after = np.arange(0.9, 1.2, 0.01), np.arange(1.2, 1.8, 0.001)
    np.testing.assert_allclose(_path(spliced, before), _path(alone, before), atol=1e-12)
    path = _path(spliced, after)
    assert np.abs(np.diff(path)).max() < 0.02 and path[-1] == pytest.approx(3.0)
    assert spliced.sample(1.2 - 1e-6)[1][0] == pytest.approx(spliced.sample(1.2 + 1e-6)[1][0], abs=1e-3)


def test_without_splicing_the_measured_state_is_where_it_begins_anew() -> None:
    controller = TrajectoryController(ZERO, splices=False, from_desired=False)
    controller.receive([_knot(1.0, 1.0, 0.0)], None, 0.0, _measured())
    controller.receive([_knot(1.0, 1.0, 0.0)], None, 0.5, _measured(0.3))
    assert controller.sample(0.5)[0][0] == pytest.approx(0.3)


def test_a_trajectory_of_the_past_changes_nothing() -> None:
    controller = TrajectoryController(ZERO, splices=True, from_desired=False)
    assert not controller.receive([_knot(0.1, 5.0, 0.0)], 1.0, 2.0, _measured())
    assert controller.sample(3.0)[0][0] == 0.0
