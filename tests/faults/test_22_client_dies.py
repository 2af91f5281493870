"""22: the client of a running task is killed. Its lease runs out and the arm stops.

Not here: the lease itself (test_node_parts.py); a client that closes its terminal (row 29).
"""

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from .figures import Figures
from .hands import EACH_ROBOT, TASKS
from .live import Live, module
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

_LEASE_S, _RENEWED_S = 1.0, 0.25


@EACH_ROBOT
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.thorough)])
def test_the_arm_stops_when_the_client_is_gone(
    robot: str, how: signal.Signals, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph, witness = standing(robot), standing(robot).witness
    client = subprocess.Popen(module("client", "run_task", TASKS[robot]))
    try:
        graph.in_motion()
        client.send_signal(how)
        gone_s = time.monotonic()
        graph.until(lambda: not witness.armed, "the arm is stopped")
        waited_s = witness.unarmed_at(gone_s) - gone_s
        stopped_s = witness.at(gone_s + waited_s)
        graph.rest()
    finally:
        client.kill()
        client.wait()
    rest_s = witness.rested_after(stopped_s)
    figures.add(
        22, f"client gone ({how.name})", robot, rest_ms=1e3 * rest_s, bound_ms=1e3 * rest_bound_s(robot), code=114,
        note=f"stop after {waited_s:.2f} s of wall time",
    )  # fmt: skip
    assert (
        _LEASE_S - _RENEWED_S - 0.1 < waited_s < _LEASE_S + 1.0
    )  # a tick waits for its observation 0.4 s at most
    assert rest_s <= rest_bound_s(robot)
    assert "the task is ended: the client of the goal is gone" in graph.log("scheduler")
    assert witness.error_code == 0, "a client that is gone is no fault of the robot"
    graph.nothing_moves(witness.sim_s)
    graph.works_again()
    assert witness.bad_commands() == []
