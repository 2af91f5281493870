"""30: numbers out of range in goals, services and messages are refused with what came and what is allowed.

Those of `follow_joint_trajectory` are tried in `tests/system/test_trajectories.py`, those of files in the fuzz of every
reader.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue_interfaces.action import MoveTo, PredictChunk, RunTask
from segue_interfaces.srv import EmergencyStop, ResetWorld, StartRecording

from .figures import Figures
from .hands import MOVING_RAD_S
from .live import Live
from .numbers import IGNORED, LONG, STOPPING, Wrong
from .rogue import Rogue
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

ROBOT = "franka"
_SAY_S = 15.0  # patience with a log line: a text comes once a second
_QUIET_S = 0.4  # how long that is said which nobody needs to answer
_GROWTH_MB = 60  # of a node that was told megabytes thousands of times; allocators keep some


def _cases(wrong: Any) -> list[Any]:
    return [pytest.param(w, id=w.name, marks=() if w.daily else pytest.mark.thorough) for w in wrong]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory, no_standing: None) -> Iterator[Live]:
    """One graph for all of them, with a recorder and a mover."""
    with Live(tmp_path_factory.mktemp("numbers"), ROBOT, planned_moves=True, record=True) as live:
        yield live


@pytest.fixture
def rogue(graph: Live) -> Iterator[Rogue]:
    with Rogue(graph.domain) as rogue:
        yield rogue


@pytest.fixture
def resting(graph: Live) -> Live:
    """The graph, at rest and disarmed."""
    if graph.witness.armed:
        graph.end()
    return graph


@pytest.fixture
def moving(graph: Live) -> Live:
    """The graph with its arm in full motion."""
    if not (graph.witness.armed and not graph.task.over):
        graph.until(lambda: bool(graph.recover().success), "the guard recovers")
        graph.witness.forget()
        graph.until(graph.witness.hears, "the robot is heard")
        graph.move()
    return graph


def _memory_mb(live: Live) -> dict[str, int]:
    found = {}
    for name, pid in live.supervisor.pids.items():
        line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
        found[name] = int(line.split()[1]) // 1024
    return found


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        ({"seed": -1}, "seed; got -1; expected 0 or more"),
        ({"time_limit_s": math.nan}, "time_limit_s; got nan; expected 0 or more"),
        ({"time_limit_s": 3e38}, "less than or equal to 86400"),
        ({"instruction": "x" * LONG}, f"instruction; got {LONG} letters; expected 4000 or fewer"),
        ({"task": "x" * LONG}, "unknown task 'xxx"),
        ({"continuation": "x" * LONG}, "unknown continuation 'xxx"),
    ],
)
def test_a_task_with_a_number_out_of_range_is_rejected_with_the_reason(
    goal: dict[str, Any], says: str, resting: Live, rogue: Rogue
) -> None:
    before = len(resting.log("scheduler"))
    asked = RunTask.Goal(**{"task": "push_button", "seed": 1, **goal})
    assert rogue.wish(RunTask, "segue/run_task", asked) is None
    told = resting.log("scheduler")[before:]
    assert says in told and len(told) < 5000, told[:5000]
    assert resting.stands


@pytest.mark.parametrize("speed", [math.nan, -1.0, 1e-45, 1e30])
def test_a_move_with_a_speed_out_of_range_is_rejected_with_the_reason(
    speed: float, resting: Live, rogue: Rogue
) -> None:
    assert rogue.wish(MoveTo, "segue/move", MoveTo.Goal(pose="home", speed=speed)) is None
    assert "speed of a move; got" in resting.log("mover") and "expected 0.01 to 1" in resting.log("mover")
    assert resting.stands


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"start_tick": 2**62}, "start tick; got 4611686018427387904; expected 0 to a second after tick"),
        ({"start_tick": -(2**63)}, "start tick; got -9223372036854775808; expected 0 to"),
        ({"horizon": 2**32 - 1, "dim": 2**32 - 1}, "expected 4294967295 rows x 4294967295 columns"),
        ({"option_names": ["x"] * 1000}, "options; got 0 values; expected one for each of 1000 names"),
    ],
)
def test_a_request_for_a_chunk_with_numbers_out_of_range_fails_with_the_reason(
    given: dict[str, Any], says: str, resting: Live, rogue: Rogue
) -> None:
    tick = int(resting.witness.sim_s * 30) + 5
    goal = PredictChunk.Goal(start_tick=tick, horizon=60, dim=7, sampling="plain", reference=[0.0] * 420)
    goal.guidance.omega = [0.0] * 60
    for name, value in given.items():
        setattr(goal, name, value)
    result = rogue.wish(PredictChunk, "segue/predict_chunk", goal)
    assert result.error_code == 207 and says in result.error_text, result.error_text
    assert resting.stands


def test_services_refuse_numbers_and_texts_out_of_range_with_the_reason(resting: Live, rogue: Rogue) -> None:
    """A recording with a name of 120 letters of four bytes each once ended the recorder."""
    answer = rogue.ask(ResetWorld, "sim/reset", ResetWorld.Request(seed=-(2**63)))
    assert not answer.success and "got -9223372036854775808; expected 0 or more" in answer.error_text
    for episode in ("../x", "a/b", ".hidden", "x" * LONG, "\N{GRINNING FACE}" * 100):
        request = StartRecording.Request(episode=episode, task="push_button")
        answer = rogue.ask(StartRecording, "segue/record/start", request)
        assert answer.error_code == 408 and "expected a plain folder name" in answer.error_text
        assert len(answer.error_text) < 1000
    answer = rogue.ask(StartRecording, "segue/record/start", StartRecording.Request(task="t" * LONG))
    assert f"task name; got {LONG} letters; expected 120 or fewer" in answer.error_text
    answer = rogue.ask(EmergencyStop, "segue/emergency_stop", EmergencyStop.Request(reason="r" * LONG))
    assert answer.success, "whatever its reason, a stop is a stop"
    resting.until(lambda: resting.witness.error_code == 307, "the stop is latched")
    assert len(resting.witness.safety[-1][2].error_text) < 1000
    resting.works_again()


@pytest.mark.parametrize("wrong", _cases(IGNORED))
def test_a_message_out_of_range_is_refused_with_the_reason_and_the_run_goes_on(
    wrong: Wrong, moving: Live, rogue: Rogue, figures: Figures
) -> None:
    before = len(moving.log(wrong.node)) if wrong.node else 0

    def told() -> bool:
        return bool(wrong.says) and wrong.says in moving.log(wrong.node)[before:]

    sent = rogue.say(
        wrong.topic, wrong.profile, lambda: wrong.make(moving), told, _SAY_S if wrong.says else _QUIET_S
    )
    assert sent and (told() or not wrong.says), moving.logs()
    since_s = moving.witness.sim_s
    moving.pass_s(0.8)
    assert not moving.task.over, moving.task.result
    assert moving.witness.top_speed(since_s) > MOVING_RAD_S, "more than half a period of the sway has passed"
    assert moving.witness.bad_commands() == [] and moving.stands
    figures.add(30, wrong.name, ROBOT, note=f"refused by {wrong.node or 'nobody: it concerns nobody'}")


@pytest.mark.parametrize("wrong", _cases(STOPPING))
def test_a_message_that_stops_a_run_stops_it_in_order_and_the_next_run_is_like_any(
    wrong: Wrong, moving: Live, rogue: Rogue, figures: Figures
) -> None:
    since_s = moving.witness.sim_s
    assert rogue.say(wrong.topic, wrong.profile, lambda: wrong.make(moving), lambda: moving.task.over, _SAY_S)
    result = moving.result()
    moving.rest()
    stop_s, rest_s = moving.witness.stopped_after(since_s), moving.witness.rested_after(since_s)
    assert result.error_code or result.rule == "time_limit", "an hour later the time is over"
    assert result.reason and len(result.reason) < 2000
    assert wrong.says in moving.log(wrong.node or "controller"), f"{result.reason}\n{moving.logs()}"
    assert rest_s <= stop_s + rest_bound_s(ROBOT) and moving.witness.bad_commands() == []
    timed = {} if wrong.topic == "/clock" else {"stop_ms": 1e3 * stop_s, "rest_ms": 1e3 * rest_s}
    figures.add(30, wrong.name, ROBOT, code=result.error_code, note=result.rule, **timed)
    assert moving.stands
    moving.works_again()


@pytest.mark.thorough
def test_a_thousand_messages_out_of_range_take_no_memory(
    moving: Live, rogue: Rogue, figures: Figures
) -> None:
    before = _memory_mb(moving)
    for wrong in IGNORED:
        sent = 0

        def enough() -> bool:
            nonlocal sent
            sent += 1
            return sent > 30

        rogue.say(wrong.topic, wrong.profile, lambda made=wrong.make: made(moving), enough, _SAY_S)
    grown = {name: now - before[name] for name, now in _memory_mb(moving).items()}
    figures.add(30, "30 messages of each kind", ROBOT, note=f"grown by at most {max(grown.values())} MB")
    assert max(grown.values()) < _GROWTH_MB, grown
    assert moving.stands and not moving.task.over
