"""33: busy loops on every core. In simulation time slows down and says so; by the wall clock the late cycle is a fault.

Not here: the words of the advice (test_lateness.py).
"""

from collections.abc import Callable

import numpy as np
import pytest

from segue_core.exit_status import ExitStatus
from segue_core.lateness import LATE

from .busy import hogs, hold_up
from .figures import Figures
from .hands import EACH_ROBOT
from .watched import Watched

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.thorough]

_SECONDS = 4.0
_SAME_RAD = 0.02


def _path(run: Watched) -> np.ndarray:
    """Where the joints were at every tick since the first command, (ticks, n)."""
    first_s = run.witness.commands[0].sim_s
    times = first_s + np.arange(round(0.9 * _SECONDS * 30)) / 30
    at = np.array([heard.sim_s for heard in run.witness.joints])
    q = np.array([heard.q for heard in run.witness.joints])
    return np.stack([np.interp(times, at, column) for column in q.T], axis=1)


@EACH_ROBOT
def test_in_simulation_a_busy_machine_is_slow_and_says_so_and_moves_the_arm_as_a_quiet_one_does(
    robot: str, watched: Callable[..., Watched], figures: Figures
) -> None:
    words = (f"time_limit_s:={_SECONDS:g}", "seed:=3", "record:=false")
    quiet = watched(robot, *words)
    assert quiet.run.wait() == ExitStatus.TASK_FAILED, quiet.run.output
    busy = watched(robot, *words)
    busy.run.wait_for("running")
    with hogs() as count:
        assert busy.run.wait(280.0) == ExitStatus.TASK_FAILED, busy.run.output
    told, off = busy.told(), float(np.abs(_path(quiet) - _path(busy)).max())
    speed = told["metrics"]["real_time_factor"]
    figures.add(
        33, f"{count} busy loops, waiting clock", robot, note=f"{speed:.2f} of real time, {off:.4f} rad off"
    )
    assert speed < 0.95 and f"at {speed:.2f} of real time" in busy.run.output
    assert off < _SAME_RAD
    for run in (quiet, busy):
        assert run.told()["rule"] == "time_limit" and run.told()["starved_ticks"] == 0
        assert run.witness.bad_commands() == []


def test_by_the_wall_clock_a_controller_without_a_processor_is_a_fault_that_says_what_to_do(
    watched: Callable[..., Watched], figures: Figures
) -> None:
    """Busy loops take time from a simulator as well, whose clock is then slow; a robot's clock is not."""
    run = watched("franka", "clock:=wall", "record:=false")
    run.run.wait_for("running")
    try:
        run.in_motion()
    except AssertionError:
        pytest.skip("this machine was late before anything was done to it")
    hold_up([run.pid("controller")], 0.5)
    status, told = run.run.wait(), run.told()
    figures.add(
        33, "no processor for 0.5 s, wall clock", "franka", code=told["error_code"], note=f"status {status}"
    )
    assert status == ExitStatus.RUN_FAILED and told["error_code"] in LATE
    assert "See what else takes the cores" in run.run.output
    assert run.witness.bad_commands() == []
