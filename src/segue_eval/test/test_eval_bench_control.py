"""`segue bench control`: every kind on every robot, and a loop whose missed cycles are counted exactly."""

import json
from pathlib import Path

import pytest

from segue_core.contracts.checks import POSE_NUMBERS
from segue_core.contracts.controller import CONTROLLERS, Targets, kind_of
from segue_data.contracts import load_robot, robot_names
from segue_eval.bench.control import bench_updates, punctuality, robots_with_every_kind


class Clock:
    """Time that passes only by sleeping and working."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("name", robot_names())
def test_every_kind_of_controller_is_timed_on_every_robot(name: str) -> None:
    robot = load_robot(name)
    variants = robots_with_every_kind(robot)
    short = any(len(arm.joints) < POSE_NUMBERS for arm in robot.arms)
    kinds = {
        kind_of(k) for k in CONTROLLERS if not short or k.nearest_orientation or Targets.JOINTS in k.accepts
    }
    assert kinds <= set(variants)
    assert len(variants) == len(kinds) + 1


def test_the_numbers_are_named_by_robot_and_kind_and_can_be_written(tmp_path: Path) -> None:
    timings = bench_updates([load_robot("franka")], updates=8)
    (tmp_path / "numbers.json").write_text(
        json.dumps({name: value.median_s for name, value in timings.items()})
    )
    assert "franka/cartesian_impedance" in timings
    assert all(0.0 < value.median_s <= value.p99_s for value in timings.values())


@pytest.mark.parametrize("work_ms", [1.0, 9.0, 25.0, 52.0])
def test_every_cycle_that_was_due_is_run_or_missed(work_ms: float) -> None:
    """100 Hz for a second: work that is longer than its period leaves out the cycles that it slept through."""
    clock = Clock()
    found = punctuality(lambda: clock.pass_by(work_ms * 1e-3), 100.0, 1.0, clock, clock.pass_by)
    assert found.cycles + found.missed == pytest.approx(100, abs=5)
    assert found.cycles == pytest.approx(min(100.0, 1000.0 / work_ms), abs=6)
    assert found.held is (work_ms < 10.0)
