"""29: the reader quits, the terminal closes, HUP, TERM and INT at any moment: the arm stops first.

Result, bag and graph come after it. What a command prints, and Ctrl-C while it starts, is tried in
`src/segue_bringup/test/test_endings.py`; the death of a node in
rows 1, 16 and 17; a full disk in row 24.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from full_device import full_device

from segue_bringup.supervision.instance import acquire_domain
from segue_core.exit_status import ExitStatus
from segue_data.bags.manifest import load
from segue_data.bags.reader import count_messages

from .command import ROOT, Command
from .figures import Figures
from .hands import EACH_ROBOT, TASKS
from .live import Live
from .witness import REST_RAD_S, rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow]

INTERRUPTED, READER_GONE = ExitStatus.INTERRUPTED, ExitStatus.READER_GONE
_STOP_S = 1.0  # from the signal to the guard's stop, by way of client, scheduler and guard
Start = Callable[..., Command]


def _int(times: int) -> Callable[[Command], float]:
    return lambda command: command.send(signal.SIGINT, times)


WAYS: dict[str, tuple[Callable[[Command], float], ExitStatus]] = {
    "INT": (_int(1), INTERRUPTED),
    "INT twice": (_int(2), INTERRUPTED),
    "INT five times": (_int(5), INTERRUPTED),
    "TERM": (lambda command: command.send(signal.SIGTERM), INTERRUPTED),
    "HUP": (lambda command: command.send(signal.SIGHUP), INTERRUPTED),
    "the reader quits": (Command.hang_up, READER_GONE),
}


def _each_way(*daily: str) -> pytest.MarkDecorator:
    marked = [pytest.param(way, marks=() if way in daily else pytest.mark.thorough) for way in WAYS]
    return pytest.mark.parametrize("way", marked)


@pytest.fixture
def segue(tmp_path: Path, no_standing: None) -> Iterator[Start]:
    """Starts `segue` commands that leave things below a folder: `segue("franka", "run", ...)`."""
    with ExitStack() as stack:

        def start(robot: str, *words: str, **more: Any) -> Command:
            folder = tmp_path / f"command-{len(list(tmp_path.glob('command-*')))}"
            return stack.enter_context(Command(folder, robot, *words, "--out", str(folder), **more))

        yield start


def _run(robot: str, *words: str) -> tuple[str, ...]:
    return ("run", f"robot:={robot}", f"task:={TASKS[robot]}", "policy:=sway", "time_limit_s:=600", *words)


def _moving(command: Command) -> Command:
    command.says("running")
    command.in_motion()
    command.until(lambda: any(command.folder.rglob("*.mcap")), "a bag is begun")
    return command


def _told(command: Command) -> dict[str, Any]:
    (path,) = command.folder.rglob("result.json")
    return dict(json.loads(path.read_text()))


def _nothing_is_left(command: Command) -> None:
    """No process, and no lock: another graph can have the domain."""
    command.until(lambda: command.alive() == {}, f"all processes end: {command.alive()}", 30.0)
    acquire_domain({"ROS_DOMAIN_ID": str(command.domain)}).release()


def _stopped_first(command: Command, since_s: float) -> tuple[float, float]:
    """Seconds to the guard's stop and to rest; the last that was seen of the arm is that it rests, disarmed."""
    witness = command.witness
    stop_s, rest_s = witness.stopped_after(since_s), witness.rested_after(since_s)
    assert not witness.armed and witness.speed < REST_RAD_S, (
        f"{witness.speed} rad/s at the end\n{command.logs()}"
    )
    assert stop_s < _STOP_S and rest_s <= stop_s + rest_bound_s(command.robot)
    assert witness.bad_commands() == []
    return stop_s, rest_s


def _bag_is_whole(command: Command) -> None:
    (bag,) = {path.parent for path in command.folder.rglob("*.mcap")}
    assert load(bag).complete
    assert count_messages(bag)["/joint_command"] > 10


@EACH_ROBOT
@_each_way("INT five times", "the reader quits")
def test_a_run_in_motion_stops_its_arm_then_writes_its_result_and_its_bag(
    way: str, robot: str, segue: Start, figures: Figures
) -> None:
    """The second Ctrl-C once took the graph down under a moving arm."""
    end, status = WAYS[way]
    command = _moving(segue(robot, *_run(robot, "--no-report")))
    since_s = command.witness.at(end(command))
    assert command.wait() == status, command.logs()
    stop_s, rest_s = _stopped_first(command, since_s)
    told = _told(command)
    assert (told["outcome"], told["exit_status"]) == (status.name.lower(), status)
    assert not told["success"] and told["episode_s"] > 0.0 and "Traceback" not in command.logs()
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(
        29, f"run, in motion: {way}", robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, code=int(status)
    )


@_each_way("INT five times")
def test_a_run_that_starts_ends_without_a_trace_at_any_moment(
    way: str, segue: Start, figures: Figures
) -> None:
    end, status = WAYS[way]
    after_s = random.Random(way).uniform(0.0, 8.0)
    command = segue("franka", *_run("franka", "--no-report"))
    time.sleep(after_s)
    before = command.logs()
    end(command)
    assert command.wait() == status, command.logs()
    assert "Traceback" not in command.logs()
    for path in command.folder.rglob("result.json"):
        assert json.loads(path.read_text())["exit_status"] == status
    _nothing_is_left(command)
    said = (before.splitlines() or ["nothing said yet"])[-1]
    figures.add(29, f"run, {after_s:.1f} s after its start: {way}", note=said)


BEGINNINGS = (
    "run", "record", "replay nowhere", "move home", "serve", "gazebo files", "moveit files", "views", "doctor", "env",
    "train act data=nowhere", "adopt nowhere", "eval --seeds 0:2", "corrections", "compare nowhere", "report nowhere",
    "bench control", "data check nowhere", "help run",
)  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", BEGINNINGS)
def test_a_signal_in_the_first_two_seconds_of_any_command_leaves_no_trace(
    words: str, number: signal.Signals, tmp_path: Path
) -> None:
    after_s = random.Random(words).uniform(0.0, 2.0)
    process = subprocess.Popen(
        [ROOT / "segue", *words.split()], cwd=ROOT, text=True, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)  # as a terminal sends it
    said = process.communicate(timeout=120)[0]
    assert "Traceback" not in said, said
    assert process.returncode in (INTERRUPTED, -number, *range(ExitStatus.UNEXPECTED)), said


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["INT", "TERM", "HUP"])
@pytest.mark.parametrize("moment", ["stopping the arm", "stopping the graph"])
def test_a_run_that_stops_already_stops_in_the_same_order(
    moment: str, way: str, segue: Start, figures: Figures
) -> None:
    command = _moving(segue("franka", *_run("franka", "--no-report")))
    since_s = command.witness.at(command.send(signal.SIGTERM))
    command.says(moment)
    WAYS[way][0](command)
    assert command.wait() == INTERRUPTED, command.logs()
    _stopped_first(command, since_s)
    assert _told(command)["exit_status"] == INTERRUPTED
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(29, f"run, {moment}: {way}", "franka", code=int(INTERRUPTED))


@pytest.mark.thorough
@pytest.mark.parametrize("way", WAYS)
def test_a_report_that_is_not_waited_for_takes_nothing_of_the_result(
    way: str, segue: Start, figures: Figures
) -> None:
    """SIGTERM in the report once ended with 143, SIGINT with a result.json that told another status."""
    end, status = WAYS[way]
    command = segue("franka", *_run("franka", "time_limit_s:=4"))
    command.until(lambda: any(command.folder.rglob("result.json")), "the run is over")
    end(command)
    ended = command.wait()
    told = _told(command)
    assert ended == told["exit_status"], command.logs()
    # A reader that quits when the run is over is no reason to leave out its report.
    assert ended == (ExitStatus.TASK_FAILED if status == READER_GONE else INTERRUPTED)
    assert told["outcome"] == "failure" and "Traceback" not in command.logs()
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(29, f"run, in its report: {way}", "franka", code=ended)


@pytest.mark.thorough
def test_a_terminal_that_closes_stops_the_arm_first(segue: Start, figures: Figures) -> None:
    """Putting the terminal's settings back ended the command with an error of its own."""
    command = _moving(segue("franka", *_run("franka", "--no-report"), terminal=True))
    since_s = command.witness.at(command.hang_up())
    assert command.wait() == INTERRUPTED
    stop_s, rest_s = _stopped_first(command, since_s)
    assert _told(command)["outcome"] == "interrupted"
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(
        29, "run, in motion: the terminal closes", "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s
    )


@pytest.mark.thorough
def test_a_run_that_takes_too_long_stops_its_arm_first(segue: Start, figures: Figures) -> None:
    command = _moving(segue("franka", *_run("franka", "--no-report", "--timeout", "25")))
    assert command.wait() == ExitStatus.TIMEOUT, command.logs()
    witness = command.witness
    stopped_s = next(s for _, s, said in reversed(witness.safety) if said.armed)
    _, rest_s = _stopped_first(command, stopped_s)
    assert _told(command)["outcome"] == "timeout"
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(29, "run, in motion: --timeout", "franka", rest_ms=1e3 * rest_s, code=int(ExitStatus.TIMEOUT))


@pytest.mark.thorough
def test_output_that_a_full_disk_refuses_changes_nothing_of_the_run_but_its_status(
    segue: Start, tmp_path: Path, figures: Figures
) -> None:
    """It once ended in an exception in mid-run, with the arm in motion."""
    words = _run("franka", "--no-report", "time_limit_s:=4")
    command = segue("franka", *words, path=full_device(tmp_path))
    assert command.wait() == ExitStatus.ENVIRONMENT
    told = _told(command)
    assert told["outcome"] == "failure" and told["rule"] == "time_limit"
    assert not command.witness.armed and command.witness.speed < REST_RAD_S
    _bag_is_whole(command)
    _nothing_is_left(command)
    figures.add(29, "run: the disk of its output is full", "franka", code=int(ExitStatus.ENVIRONMENT))


def _fork_server(command: Command) -> int:
    """The process that all forked nodes come from."""
    (found,) = [
        pid for pid, words in command.alive().items() if "segue_bringup.supervision.fork_server" in words
    ]
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("with_it", ["", " and its fork server"])
@EACH_ROBOT
def test_a_run_that_is_killed_has_its_arm_at_rest_leaves_no_process_and_the_next_one_starts(
    robot: str, with_it: str, segue: Start, figures: Figures
) -> None:
    """The simulated robot was ended with it, its arm in motion."""
    command = _moving(segue(robot, *_run(robot, "--no-report")))
    if with_it:
        os.kill(_fork_server(command), signal.SIGKILL)
    since_s, witness = command.witness.at(command.send(signal.SIGKILL)), command.witness
    command.wait()
    _nothing_is_left(command)
    _bag_is_whole(command)
    rest_s, bound_s = (
        witness.rested_after(since_s),
        _STOP_S + witness.config.safety.robot_timeout_s + rest_bound_s(robot),
    )
    assert witness.speed < REST_RAD_S and rest_s <= bound_s, f"{rest_s} s, {witness.speed} rad/s at the end"
    assert witness.bad_commands() == []
    again = segue(robot, *_run(robot, "--no-report", "record:=false"), domain=command.domain)
    again.says("running")
    again.in_motion()
    name, note = f"run{with_it}, in motion: KILL, then the next run", "no process, no lock, bag whole"
    figures.add(29, name, robot, rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s, note=note)


@pytest.mark.thorough
@EACH_ROBOT
def test_a_run_whose_fork_server_is_killed_goes_on_and_stops_its_arm_when_it_is_asked_to(
    robot: str, segue: Start, figures: Figures
) -> None:
    """It ended with the simulated robot in motion as it was; now the nodes are the command's own."""
    command = _moving(segue(robot, *_run(robot, "--no-report")))
    os.kill(_fork_server(command), signal.SIGKILL)
    command.says("the process that starts nodes ended (killed by SIGKILL): its nodes go on")
    command.forget()
    command.in_motion(2.0)
    since_s = command.witness.at(command.send(signal.SIGTERM))
    assert command.wait() == INTERRUPTED, command.logs()
    stop_s, rest_s = _stopped_first(command, since_s)
    assert _told(command)["exit_status"] == INTERRUPTED and "Traceback" not in command.logs()
    _bag_is_whole(command)
    _nothing_is_left(command)
    name, note = "run, in motion: fork server killed, then TERM", "ran on for 2 s"
    figures.add(29, name, robot, stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, note=note)


@pytest.mark.thorough
def test_the_death_of_a_node_whose_fork_server_is_gone_is_seen(segue: Start, figures: Figures) -> None:
    command = _moving(segue("franka", *_run("franka", "--no-report")))
    os.kill(_fork_server(command), signal.SIGKILL)
    (policy,) = [pid for pid, words in command.alive().items() if "/policy " in words]
    since_s = command.witness.at(time.monotonic())
    os.kill(policy, signal.SIGKILL)
    assert command.wait() == ExitStatus.NODE_FAILED, command.logs()
    stop_s, rest_s = _stopped_first(command, since_s)
    assert "node 'policy' ended (killed by SIGKILL)" in _told(command)["reason"]
    _bag_is_whole(command)
    _nothing_is_left(command)
    name = "run, in motion: fork server and policy killed"
    figures.add(29, name, "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, code=607)


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["INT five times", "TERM", "HUP", "the reader quits"])
def test_a_move_stops_its_arm_first(way: str, segue: Start, figures: Figures) -> None:
    end, status = WAYS[way]
    command = segue("franka", "move", "aside", "robot:=franka", "--speed", "0.3")
    command.says("running")
    command.in_motion(0.5)
    since_s = command.witness.at(end(command))
    assert command.wait() == status, command.logs()
    stop_s, rest_s = _stopped_first(command, since_s)
    assert "Traceback" not in command.logs()
    _nothing_is_left(command)
    figures.add(29, f"move: {way}", "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, code=int(status))


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["INT", "TERM"])
def test_a_move_of_a_graph_that_runs_is_cancelled_first(
    way: str, live: Callable[..., Live], segue: Start, figures: Figures
) -> None:
    """ROS's own handler of Ctrl-C took away what the cancellation would have been sent with."""
    graph = live("franka", planned_moves=True)
    words = ("move", "aside", "robot:=franka", "--running", "--speed", "0.3")
    command = segue("franka", *words, domain=graph.domain)
    graph.until(lambda: graph.witness.armed and graph.witness.speed > 0.05, "the arm moves")
    since_s = graph.witness.at(WAYS[way][0](command))
    assert command.wait() == INTERRUPTED, command.logs()
    graph.rest()
    stop_s, rest_s = _stopped_first(graph, since_s)
    figures.add(29, f"move --running: {way}", "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s)
    assert graph.stands


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["INT five times", "TERM", "HUP", "the terminal closes"])
def test_a_session_of_demonstrations_stops_its_arm_first(way: str, segue: Start, figures: Figures) -> None:
    end, _ = WAYS.get(way, (Command.hang_up, None))
    words = ("record", "robot:=franka", "task:=push_button", "teleop:=keyboard", "--quiet")
    command = segue("franka", *words, terminal=True)
    command.until(command.witness.hears, "the graph is there")
    began_s = time.monotonic()

    def moves() -> bool:
        assert time.monotonic() - began_s < 120.0, command.logs()
        command.type(b"a" if command.witness.armed else b"\n")
        time.sleep(0.1)
        return command.witness.armed and command.witness.speed > 0.05

    while not moves():
        pass
    since_s = command.witness.at(end(command))
    assert command.wait() == ExitStatus.SUCCESS, command.logs()
    stop_s, rest_s = _stopped_first(command, since_s)
    assert "Traceback" not in command.logs()
    _nothing_is_left(command)
    figures.add(29, f"record: {way}", "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s)


@pytest.mark.thorough
def test_a_replay_stops_its_arm_first(segue: Start, figures: Figures) -> None:
    recorded = segue("franka", *_run("franka", "--no-report", "time_limit_s:=8"))
    assert recorded.wait() == ExitStatus.TASK_FAILED, recorded.logs()
    (bag,) = {path.parent for path in recorded.folder.rglob("*.mcap")}
    for way in ("INT five times", "TERM", "the reader quits"):
        end, status = WAYS[way]
        command = segue("franka", "replay", str(bag))
        command.in_motion()
        since_s = command.witness.at(end(command))
        assert command.wait() == status, command.logs()
        stop_s, rest_s = _stopped_first(command, since_s)
        assert "Traceback" not in command.logs()
        _nothing_is_left(command)
        figures.add(
            29, f"replay: {way}", "franka", stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, code=int(status)
        )
