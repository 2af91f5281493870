"""23: the wall clock jumps, simulated time begins anew or stands while an arm moves.

No timer of Segue's looks at the wall clock: motion and recording go on as if nothing had been. Fast DDS as it comes
in wheels waits by it, so that a clock that is set back by hours silences the graph: the arm then stops. A simulated
time that goes back ends the run, and nothing of what was planned before is executed in the new world. Not here: a world
that is put back while its time goes on (row 31).
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from std_srvs.srv import SetBool

from segue_bringup.environment.host import compiler
from segue_data.bags.manifest import load
from segue_data.bags.reader import read, stamp_ns

from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live
from .wall_clock import WallClock

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler"),
]

_HOUR_S = 3600.0
_JUMPS_S = (_HOUR_S, -0.2, 0.4, -0.2)
_STANDS_S = 3.0
_NOTICED_S = 15.0  # longer than anybody waits for anybody
_LATE_S = 10.0  # may be received that late on a busy machine
_SETTLES_RAD = 0.05  # what a pose sags in a new world
_SILENT_S = 1.0  # nothing of a dead world is on its way any more


@pytest.fixture
def wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The wall clock of the graph that is started next."""
    clock = WallClock(tmp_path / "clock")
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)
    return clock


def _longest_gap_s(graph: Live) -> float:
    return max(after.sim_s - before.sim_s for before, after in pairwise(graph.witness.commands))


def _silent_s(graph: Live, since_s: float) -> float:
    """For how long nothing has been commanded, at most since a moment of the steady clock."""
    commands = graph.witness.commands
    return time.monotonic() - max(since_s, commands[-1].steady_s if commands else 0.0)


def _misplaced_s(bag: Path) -> float:
    """How far the times in a bag are from the stamps of what was recorded, at most."""
    away = [abs(m.log_ns - stamp_ns(m.message().header)) for m in read(bag, frozenset({"/joint_states"}))]
    return max(away) * 1e-9


@pytest.mark.real_time
@pytest.mark.thorough
@EACH_ROBOT
def test_a_wall_clock_that_jumps_in_mid_run_disturbs_neither_the_motion_nor_the_recording(
    robot: str, wall: WallClock, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live(robot, record=True)
    graph.wait_for("recorder")
    graph.move(record=True)
    for seconds in _JUMPS_S:
        wall.jump(seconds)
        graph.in_motion(0.7)
    result = graph.end()
    gap_s, facts = _longest_gap_s(graph), load(Path(result.bag_path))
    note = f"{len(_JUMPS_S)} jumps, longest gap of commands {1e3 * gap_s:.1f} ms"
    figures.add(23, "wall clock set forward by an hour, to and fro by 0.2 s", robot, note=note)
    assert (result.outcome, result.error_code, result.starved_ticks) == ("cancelled", 0, 0), result
    assert abs(facts.extra["recorded_at_unix_s"] - time.time() - wall.off_s) < 60.0, "they read another clock"
    assert gap_s <= 2.0 / graph.witness.config.control_rate_hz + 1e-6
    assert graph.witness.bad_commands() == []
    assert facts.complete and not facts.dropped and facts.duration_s < _HOUR_S
    assert _misplaced_s(Path(result.bag_path)) < _LATE_S


@pytest.mark.thorough
def test_a_wall_clock_that_is_set_back_by_an_hour_moves_nothing_that_it_should_not(
    wall: WallClock, live: Callable[..., Live], figures: Figures
) -> None:
    """Once it is right again, everything works again."""
    graph = live("franka", record=True)
    graph.wait_for("recorder")
    graph.move(record=True)
    witness, since_s = graph.witness, graph.witness.sim_s
    wall.jump(-_HOUR_S)
    end_s = time.monotonic() + _NOTICED_S
    graph.until(
        lambda: graph.task.over or not witness.armed or time.monotonic() > end_s, "it is noticed, or not"
    )
    stopped = graph.task.over or not witness.armed
    if stopped:
        graph.rest()
        figures.add(
            23, "wall clock set back by an hour", "franka", stop_ms=1e3 * witness.stopped_after(since_s),
            rest_ms=1e3 * witness.rested_after(since_s), code=witness.error_code,
        )  # fmt: skip
    else:
        figures.add(23, "wall clock set back by an hour", "franka", note="nothing notices")
    assert witness.bad_commands() == []
    wall.jump(_HOUR_S)
    result = graph.result() if stopped else graph.end()
    if stopped:
        assert result.error_code and result.error_text
    assert load(Path(result.bag_path)).complete and _misplaced_s(Path(result.bag_path)) < _LATE_S
    graph.works_again()
    assert witness.bad_commands() == []


@pytest.mark.thorough
def test_a_world_that_stands_is_waited_for_however_the_wall_clock_jumps_meanwhile(
    wall: WallClock, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live("franka")
    graph.move()
    assert graph.call("sim/pause", SetBool.Request(data=True)).success
    stands_s = graph.witness.sim_s
    for seconds in (_HOUR_S, -0.2):
        wall.jump(seconds)
        time.sleep(0.5 * _STANDS_S)
    assert graph.witness.sim_s - stands_s < 0.1 and graph.witness.armed and not graph.task.over
    assert graph.call("sim/pause", SetBool.Request(data=False)).success
    graph.in_motion(0.5)
    result = graph.end()
    assert (result.outcome, result.error_code, result.starved_ticks) == ("cancelled", 0, 0), result
    assert graph.witness.bad_commands() == []
    figures.add(
        23, "wall clock jumps while the world is paused", "franka", note="waited for, no tick starved"
    )


@EACH_ROBOT
def test_a_simulated_time_that_begins_anew_ends_the_run_and_the_new_world_stays_as_it_is(
    robot: str, live: Callable[..., Live], figures: Figures
) -> None:
    """The simulator is killed and started again, as a crash and a supervisor do it."""
    graph = live(robot, record=True)
    graph.wait_for("recorder")
    graph.move(record=True)
    killed_s = graph.kill("simulator")
    graph.until(lambda: _silent_s(graph, killed_s) > _SILENT_S, "the last command of the old world is heard")
    died_s, bad = graph.witness.sim_s, graph.witness.bad_commands()
    graph.forget()
    graph.witness.joints.clear()  # of a world that is no more
    graph.task.result = None
    graph.start_again("simulator")
    graph.until(lambda: bool(graph.witness.joints), "the new world is heard")
    graph.pass_s(2.0)
    path = np.array([heard.q for heard in graph.witness.joints])
    went = float(np.ptp(path, axis=0).max())
    assert died_s > graph.witness.joints[0].sim_s, "its time begins anew"
    graph.until(lambda: graph.task.over, "the run has ended")
    result = graph.task.result
    figures.add(
        23, "simulated time begins anew", robot, code=int(result.error_code), note=f"went {went:.3f} rad after it"
    )  # fmt: skip
    assert result.error_code and result.error_text and not graph.witness.armed
    assert went < _SETTLES_RAD and bad == [] and graph.witness.commands == []
    assert load(Path(result.bag_path)).complete is True
    graph.works_again()
    assert graph.witness.bad_commands() == []
