"""14: a network with loss, delay or a partition between the robot's machine and the policy's, with an arm in motion.

The cable itself is tried in `tests/network/test_cable.py`, what it costs in `tests/network/measure.py`.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from .cell import NEAR, NO_NETWORK, Cell
from .figures import Figures
from .hands import EACH_ROBOT, MOVING_RAD_S
from .machine import PACE

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.skipif(bool(NO_NETWORK), reason=NO_NETWORK or "they are permitted"),
]
_PARTITION_S = 5.0
_BUSY = 0.8  # of the wanted pace, which no network slows: time waits for nobody on the other machine


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory, no_standing: None) -> Iterator[Cell]:
    """The two machines of franka, whose cable is as it was left."""
    with Cell(tmp_path_factory.mktemp("network"), "franka") as cell:
        yield cell


def _runs_on(told: Mapping[str, Any]) -> None:
    if told["code"] and told["metrics"]["real_time_factor"] < _BUSY * PACE:
        pytest.skip(f"this machine is too busy for two machines in it: {told['reason']}")
    assert (told["rule"], told["code"]) == ("time_limit", 0), told
    assert told["metrics"]["chunks"] >= 2 and told["speed"] > MOVING_RAD_S and told["bad"] == []


def _partition(cell: Cell, robot: str, figures: Figures, fault: str, end: str = "stopped") -> None:
    """Cut the cable in motion, mend it: a stop, nothing old executed, and a new task works."""
    cell.cable(**NEAR)
    cell.do("move")
    cell.do("notice")
    cell.cable(loss=1.0)
    cut_s = time.monotonic()
    told = cell.do(end)
    assert told["code"] and told["reason"] and told["bad"] == []
    assert told["rest_s"] <= told["bound_s"]
    time.sleep(max(0.0, cut_s + _PARTITION_S - time.monotonic()))
    cell.cable(**NEAR)
    assert cell.do("quiet")["stands"]
    assert cell.other is not None and cell.other.poll() is None, "the policy's side goes on serving"
    assert cell.do("again")["bad"] == []
    figures.add(14, fault, robot, stop_ms=1e3 * told["stop_s"], rest_ms=1e3 * told["rest_s"],
                bound_ms=1e3 * told["bound_s"], code=told["code"])  # fmt: skip


@pytest.mark.thorough
@EACH_ROBOT
def test_a_partition_stops_every_robot(
    robot: str, tmp_path: Path, no_standing: None, figures: Figures
) -> None:
    with Cell(tmp_path, robot) as cell:
        _partition(cell, robot, figures, "partition, healed after 5 s or more")


@pytest.mark.thorough
def test_a_partition_between_scheduler_and_controller_stops_both(
    tmp_path: Path, no_standing: None, figures: Figures
) -> None:
    with Cell(tmp_path, "franka", ("simulator", "controller", "perception"), ("scheduler", "policy")) as cell:
        _partition(cell, "franka", figures, "partition, the scheduler on the other side", "halted")


@pytest.mark.parametrize(
    ("cable", "starved"),
    [
        ({**NEAR, "loss": 0.01}, 0),
        pytest.param({**NEAR, "loss": 0.1}, 0, marks=pytest.mark.thorough),
        pytest.param({"delay_ms": 200.0, "jitter_ms": 20.0}, 10, marks=pytest.mark.thorough),
    ],
    ids=["1 % loss", "10 % loss", "200 ms"],
)
def test_a_run_goes_on_over_a_slow_network_and_one_that_loses_up_to_a_tenth(
    cable: Mapping[str, float], starved: int, near: Cell, figures: Figures, request: pytest.FixtureRequest
) -> None:
    near.cable(**cable)
    told = near.do("run")
    _runs_on(told)
    metrics = told["metrics"]
    assert metrics["starved_ticks"] <= starved
    counted = ("chunks", "failed_requests", "starved_ticks")
    note = ", ".join(f"{metrics[name]:.0f} {name.replace('_', ' ')}" for name in counted)
    figures.add(14, request.node.callspec.id, "franka", note=note)


@pytest.mark.thorough
def test_a_network_that_loses_half_either_carries_the_run_or_stops_it_in_order(
    near: Cell, figures: Figures
) -> None:
    near.cable(**NEAR, loss=0.5)
    told = near.do("run")
    assert told["rule"] == "time_limit" or (told["code"] and told["reason"]), told
    assert told["bad"] == []
    near.cable(**NEAR)
    near.do("again")
    figures.add(14, "50 % loss", "franka", code=told["code"], note=told["reason"])


def test_a_partition_stops_the_robot_and_nothing_old_is_executed_when_it_heals(
    near: Cell, figures: Figures
) -> None:
    _partition(near, "franka", figures, "partition, healed after 5 s or more")
