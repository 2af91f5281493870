"""Real processes: restarted by policy, ended in order, and never orphaned."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_bringup.graph import Respawn
from segue_bringup.supervision import urgency
from segue_bringup.supervision.instance import acquire_domain
from segue_bringup.supervision.logs import LogFollower
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_core.errors import ConfigError, ErrorCode

_STUBBORN = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; time.sleep(300)"
_FORKING = (
    "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'import time; time.sleep(300)'])"
)
_KEEPER = """
    import sys, time
    from pathlib import Path
    from segue_bringup.supervision.supervisor import Job, Supervisor
    supervisor = Supervisor(print)
    for index, code in enumerate(sys.argv[1:]):
        supervisor.start(Job(f"n{index}", [sys.executable, "-S", "-c", code], {}, Path(f"n{index}.log")))
    time.sleep(0.2)
    print(*supervisor.pids.values(), flush=True)
    time.sleep(300)
"""


def _wait_until(condition: Callable[[], bool], limit_s: float = 50.0) -> bool:
    """Real processes need real time: poll for what must come true."""
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return true


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _job(folder: Path, code: str, **options: object) -> Job:
    return Job("node", [sys.executable, "-S", "-c", code], dict(os.environ), folder / "node.log", **options)  # type: ignore[arg-type]


def _poll(supervisor: Supervisor) -> bool:
    supervisor.poll()
    return False


def _poll_until_raised(supervisor: Supervisor) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        _wait_until(lambda: _poll(supervisor))
    return raised.value


def test_the_end_of_a_required_node_names_it_its_exit_and_its_last_words(tmp_path: Path) -> None:
    with Supervisor(lambda _: None) as supervisor:
        supervisor.start(_job(tmp_path, "print('the reason'); raise SystemExit(3)", required=True))
        error = _poll_until_raised(supervisor)
    assert error.code == ErrorCode.PROCESS_FAILED
    assert all(part in str(error) for part in ("'node'", "exit code 3", "the reason"))


def test_what_went_well_in_a_killed_nodes_log_is_not_told_as_the_reason(tmp_path: Path) -> None:
    """A controller that was killed in a run ended it with "armed. What to do: look into ..."."""
    log = "print('[INFO] [1795995204.93] [node]: armed\\n[WARN] [1795995204.94] [node]: late', flush=True)"
    with Supervisor(lambda _: None) as supervisor:
        supervisor.start(_job(tmp_path, f"import os; {log}; os.kill(os.getpid(), 9)", required=True))
        said = str(_poll_until_raised(supervisor))
    assert "armed" not in said and "\n    [WARN] [node]: late. What to do: somebody, or the system" in said


def test_a_node_is_restarted_as_often_as_its_policy_says(tmp_path: Path) -> None:
    job = _job(tmp_path, "print('once')", required=True, respawn=Respawn(attempts=2, delay_s=0.0))
    with Supervisor(lambda _: None) as supervisor:
        supervisor.start(job)
        _poll_until_raised(supervisor)
    assert job.log.read_text().count("once") == 3


def test_a_node_that_is_not_required_may_end(tmp_path: Path) -> None:
    lines: list[str] = []
    with Supervisor(lines.append) as supervisor:
        supervisor.start(_job(tmp_path, "pass"))
        assert _wait_until(lambda: _poll(supervisor) or bool(lines))
    assert lines == ["node ended (exit code 0)"]


def test_stopping_also_ends_what_a_node_started_itself(tmp_path: Path) -> None:
    with Supervisor(lambda _: None) as supervisor:
        supervisor.start(_job(tmp_path, _FORKING))
        group = supervisor.pids["node"]
        assert _wait_until(lambda: len(_group(group)) == 2)
    assert _wait_until(lambda: _group(group) == [])


def _group(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group and not _gone(int(entry.name)):
                found.append(int(entry.name))
        except ProcessLookupError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_supervisor_leaves_no_process_even_if_it_ignores_signals_or_is_stopped(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_KEEPER), _STUBBORN, "import time; time.sleep(300)"]
    keeper = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert keeper.stdout
    pids = [int(word) for word in keeper.stdout.readline().split()]
    assert len(pids) == 2
    os.kill(pids[1], signal.SIGSTOP)
    keeper.send_signal(number)
    keeper.wait()
    assert _wait_until(lambda: all(_gone(pid) for pid in pids))


def test_a_second_graph_on_one_domain_is_refused_and_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = acquire_domain({"ROS_DOMAIN_ID": "77"})
    with pytest.raises(ConfigError, match=rf"domain 77 \(process {os.getpid()}\)") as raised:
        acquire_domain({"ROS_DOMAIN_ID": "77"})
    assert raised.value.code == ErrorCode.ADDRESS_IN_USE
    lock.release()
    assert acquire_domain({"ROS_DOMAIN_ID": "77"}).domain == 77


def test_graphs_without_a_chosen_domain_get_different_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, second = acquire_domain({}), acquire_domain({"ROS_DOMAIN_ID": ""})
    assert first.domain != second.domain


@pytest.mark.parametrize("text", ["233", "-1", "one"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="0 to 232"):
        acquire_domain({"ROS_DOMAIN_ID": text})


def test_the_follower_shows_warnings_and_errors_once_and_only_whole_lines(tmp_path: Path) -> None:
    log, follower = tmp_path / "policy.log", LogFollower()
    follower.add(log)
    log.write_text(
        "[INFO] [1700000000.1] [policy]: fine\n[ERROR] [1700000000.12] [policy]: bad\n[WARN] [policy]: ha"
    )
    assert follower.new_lines() == [("policy", "[ERROR] [policy]: bad")]
    with log.open("a") as file:
        file.write("lf\n")
    assert follower.new_lines() == [("policy", "[WARN] [policy]: half")]
    assert follower.new_lines() == []


@pytest.mark.skipif(not urgency.allowed(), reason="this system allows no real-time priority")
def test_an_urgent_process_comes_before_ordinary_ones(tmp_path: Path) -> None:
    with Supervisor(print) as supervisor:
        supervisor.start(_job(tmp_path, "import time; time.sleep(300)", urgent=True))
        (pid,) = supervisor.pids.values()
        assert _wait_until(lambda: os.sched_getscheduler(pid) == os.SCHED_FIFO)
        assert os.sched_getparam(pid).sched_priority == urgency.PRIORITY
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.skipif(not urgency.allowed(), reason="this system allows no real-time priority")
def test_an_urgent_process_that_runs_away_is_ended_before_it_keeps_the_machine_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgency, "LONGEST_S", 1)
    with Supervisor(print) as supervisor:
        supervisor.start(_job(tmp_path, "while True: pass", urgent=True, required=True))
        assert "killed by SIGXCPU" in str(_poll_until_raised(supervisor))


def test_without_the_right_an_urgent_process_runs_all_the_same_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(urgency, "allowed", urgency.allowed.__wrapped__)
    assert "limits.conf" in urgency.why_not()
    assert urgency.launch_prefix() == ""
    with Supervisor(print) as supervisor:
        supervisor.start(_job(tmp_path, "import time; time.sleep(300)", urgent=True))
        (pid,) = supervisor.pids.values()
        assert os.sched_getscheduler(pid) == os.SCHED_OTHER
