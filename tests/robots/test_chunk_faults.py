"""Faults 4, 6, 7 and 8 of chunks, from the scheduler through the controller to the joints, on every robot.

The policy moves every tool along one line, or every joint one way, so that going back is seen at once.
"""

from collections.abc import Callable

import numpy as np
import pytest
from every_robot import SHIPPED, Case, Rig

from segue_control.targets.joint_targets import JointCodec
from segue_core.contracts.controller import Targets, targets_of
from segue_core.errors import ErrorCode
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.scripted_policy import Misbehaviour, ScriptedPolicy, policy_info
from segue_scheduler.tick import TickOutput

HORIZON, STRIDE, DELAY = 20, 10, 3
TICKS = 40
EACH = pytest.mark.parametrize("case", SHIPPED, ids=str)


class OneWay(ScriptedPolicy):
    """The action of tick n lies n steps along the way from home to `moved(1)`; chunks may disagree by an offset."""

    def __init__(self, rig: Rig, **settings: object) -> None:
        super().__init__(rig.robot.action_space, HORIZON, **settings)  # type: ignore[arg-type]
        self._home, self._way = rig.home_action(), (rig.moved(1.0) - rig.home_action()) / TICKS

    def row(self, tick: int, sequence: int = 0) -> np.ndarray:
        """The action (D,) that chunk `sequence` holds for `tick`."""
        return self._home + max(tick, 0) * self._way


def _run(
    case: Case, misbehaviour: dict[int, Misbehaviour], delays: Callable[[int], int] = lambda number: DELAY
) -> tuple[Rig, ChunkScheduler, list[TickOutput]]:
    rig = Rig(case)
    space = rig.robot.action_space
    config = SchedulerConfig(
        continuation="naive_async", horizon=HORIZON, stride=STRIDE, delay=DELAY, time_limit_s=3600.0
    )
    scheduler = ChunkScheduler(config, space, policy_info(space, HORIZON, shortest=0), 0)
    outputs, _ = drive(scheduler, OneWay(rig, misbehaviour=misbehaviour), space, TICKS, delays)
    for tick, output in enumerate(outputs):
        if np.array_equal(output.action, np.zeros(space.dim)):
            continue  # the scheduler's robot starts at zero and waits for the first chunk there
        rig.tick(output.action, tick)
    return rig, scheduler, outputs


def _progress(rig: Rig) -> np.ndarray:
    """How far along its way the first tool [m], or the robot in its joints [rad], is at every update."""
    kinematics = rig.controller.kinematics
    if targets_of(rig.robot.action_space) is Targets.JOINTS:
        joints = JointCodec(rig.robot, rig.robot.action_space).joints
        turn = joints(rig.moved(1.0)) - kinematics.home
        return np.array([(q - kinematics.home) @ turn / np.linalg.norm(turn) for q, _ in rig.measured])
    poses = np.array([kinematics.poses(q).positions[0] for q, _ in rig.measured])
    way = kinematics.codec.poses(rig.moved(1.0)).positions[0] - kinematics.poses(kinematics.home).positions[0]
    return np.asarray((poses - poses[0]) @ way / np.linalg.norm(way))


def _assert_one_way(rig: Rig) -> None:
    progress = _progress(rig)
    assert np.diff(progress).min() > -1e-4  # tenths of a millimetre: what inverse kinematics round
    assert progress[-1] > 0.02


@EACH
@pytest.mark.parametrize(
    "how", [Misbehaviour.NOT_FINITE, Misbehaviour.WRONG_HORIZON, Misbehaviour.WRONG_WIDTH, Misbehaviour.EMPTY]
)
def test_4_and_6_a_chunk_that_cannot_be_used_is_refused_whole_and_the_one_before_goes_on(
    case: Case, how: Misbehaviour
) -> None:
    rig, scheduler, _ = _run(case, {1: how})
    assert scheduler.stats.refused_chunks == 1
    assert np.isfinite([command.q for command in rig.wire]).all()
    _assert_one_way(rig)


@EACH
def test_4_three_chunks_that_are_not_finite_in_a_row_are_a_fault(case: Case) -> None:
    bad = Misbehaviour.NOT_FINITE
    rig, _, outputs = _run(case, {1: bad, 2: bad, 3: bad})
    outcome = next(output.outcome for output in outputs if output.outcome)
    assert outcome.code is ErrorCode.SCHEDULER_BAD_CHUNKS and outcome.reason
    assert np.isfinite([command.q for command in rig.wire]).all()


@EACH
@pytest.mark.parametrize("late", [HORIZON // 5, HORIZON, 5 * HORIZON])
def test_7_a_late_chunk_never_moves_the_robot_back(case: Case, late: int) -> None:
    rig, _, _ = _run(case, {}, lambda number: late if number == 1 else DELAY)
    _assert_one_way(rig)


@EACH
def test_8_a_chunk_that_comes_twice_is_executed_once(case: Case) -> None:
    once, _, _ = _run(case, {})
    twice, _, _ = _run(case, {1: Misbehaviour.TWICE, 2: Misbehaviour.TWICE})
    np.testing.assert_array_equal(once.body.q, twice.body.q)


@EACH
def test_8_chunks_that_overtake_each_other_leave_the_robot_on_its_way(case: Case) -> None:
    rig, _, _ = _run(case, {}, lambda number: DELAY + 8 * (number % 2))
    _assert_one_way(rig)
