"""31: the world is reset or paused in mid-run. A run ends as reset, or waits; nothing moves towards the old plan."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from std_srvs.srv import SetBool

from segue_core.errors import ErrorCode
from segue_interfaces.srv import ResetWorld

from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live

pytestmark = [pytest.mark.system, pytest.mark.slow]

_STANDS_S = 5.0  # longer than anybody's patience with a silent graph
_SETTLES_RAD = 0.05  # what a pose sags after a reset


def _pause(live: Live, pause: bool) -> None:
    assert live.call("sim/pause", SetBool.Request(data=pause)).success


def _reset(live: Live) -> tuple[float, float]:
    """When it was asked for, and when it was done, on the run's clock."""
    since_s = live.witness.sim_s
    assert live.call("sim/reset", ResetWorld.Request(seed=3)).success
    return since_s, live.witness.sim_s + 0.03


def _stays_where_it_was_put(live: Live, since_s: float) -> float:
    """How far [rad] a joint went in the second after the reset."""
    live.until(lambda: not live.witness.armed, "the guard takes the permission away")
    live.pass_s(1.0)
    after = np.array([heard.q for heard in live.witness.joints if heard.sim_s > since_s])
    went = float(np.ptp(after, axis=0).max())
    assert went < _SETTLES_RAD and live.witness.bad_commands() == []
    return went


@pytest.mark.parametrize("paused", [False, pytest.param(True, marks=pytest.mark.thorough)])
@EACH_ROBOT
def test_a_world_that_is_put_back_ends_the_run_and_the_old_plan(
    robot: str, paused: bool, standing: Callable[[str], Live], figures: Figures
) -> None:
    live = standing(robot)
    live.move()
    if paused:
        _pause(live, True)
    since_s, done_s = _reset(live)
    if paused:
        _pause(live, False)
    result = live.result()
    went = _stays_where_it_was_put(live, done_s)
    stop_ms = 1e3 * live.witness.stopped_after(since_s)
    fault = "world reset while paused" if paused else "world reset"
    figures.add(
        31, fault, robot, stop_ms=stop_ms, code=result.error_code, note=f"went {went:.3f} rad after it"
    )
    assert stop_ms <= 150.0
    assert result.error_code == ErrorCode.CONTROL_NOT_ARMED and "sim/reset" in result.reason, result
    live.move()  # not latched: nothing is wrong with the robot
    live.end()


@EACH_ROBOT
def test_a_paused_world_is_waited_for_and_the_run_goes_on(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    live = standing(robot)
    live.move()
    _pause(live, True)
    stands_s = live.witness.sim_s
    time.sleep(_STANDS_S)  # wall time passes while simulated time stands
    assert live.witness.sim_s - stands_s < 0.1 and live.witness.armed and not live.task.over
    _pause(live, False)
    live.in_motion(0.5)
    result = live.end()
    figures.add(31, f"world paused for {_STANDS_S:g} s", robot, note=f"{result.starved_ticks} ticks starved")
    assert result.error_code == 0 and result.outcome == "cancelled", result
    assert result.starved_ticks == 0 and live.witness.bad_commands() == []
