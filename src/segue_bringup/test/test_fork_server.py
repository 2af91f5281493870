"""A process that was forked is what one that begins by itself is: its own session, log, environment, title and end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segue_bringup.supervision.forked import ForkServer
from segue_bringup.supervision.head_start import begun, head_start
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_core.errors import ConfigError, ErrorCode

_TELL = """
import os, signal, sys
sid, signals = os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT) is signal.default_int_handler
print(sys.argv[1:], os.environ.get("MINE"), os.environ.get("SPT_NOENV"), sid, signals, sys.stdin.read(), flush=True)
print("to stderr", file=sys.stderr)
raise SystemExit(7)
"""


_UNTIL_TERM = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
(pathlib.Path(sys.argv[0]).parent / f"{os.getpid()}.up").touch()
time.sleep(300)
"""
_KEEPER = """
import os, sys, time
from pathlib import Path
from segue_bringup.supervision.forked import ForkServer
from segue_bringup.supervision.supervisor import Job, Supervisor
script, python = sys.argv[1:]
server = ForkServer(os.environ, ())
supervisor = Supervisor(print, server=server)
supervisor.start(Job("forked", [script], dict(os.environ), Path("log")))
supervisor.start(Job("begun", [python, "-S", script], dict(os.environ), Path("log")))
told = {"guardian": supervisor._guardian.pid, **supervisor.pids}
print(*(f"{name}={pid}" for name, pid in told.items()), flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(os.environ, ()) as made:
        yield made


def _script(folder: Path, code: str, python: str = sys.executable) -> str:
    path = folder / "node"
    path.write_text(f"#!{python}\n{code}")
    path.chmod(0o755)
    return str(path)


def _job(script: str, **options: object) -> Job:
    log = Path(script).with_suffix(".log")
    return Job("node", [script, "__node:=it"], {**os.environ, "MINE": "1"}, log, **options)  # type: ignore[arg-type]


def _wait_until(condition: Callable[[], bool], limit_s: float = 50.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return true


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def _until_it_ends(supervisor: Supervisor) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        _wait_until(lambda: bool(supervisor.poll()))
    return raised.value


def test_a_forked_process_has_session_log_environment_signals_and_exit_status_of_its_own(
    tmp_path: Path, server: ForkServer
) -> None:
    with Supervisor(print, server=server) as supervisor:
        job = _job(_script(tmp_path, _TELL), required=True)
        supervisor.start(job)
        error = _until_it_ends(supervisor)
    assert error.code == ErrorCode.PROCESS_FAILED and "exit code 7" in str(error)
    assert job.log.read_text() == "['__node:=it'] 1 None True True \nto stderr\n"


def test_an_error_of_a_forked_process_is_in_its_log(tmp_path: Path, server: ForkServer) -> None:
    with Supervisor(print, server=server) as supervisor:
        job = _job(_script(tmp_path, "1 / 0"), required=True)
        supervisor.start(job)
        assert "exit code 1" in str(_until_it_ends(supervisor))
    assert "ZeroDivisionError" in job.log.read_text()


def test_a_forked_process_is_found_by_its_words_and_stopped_and_its_killer_is_told(
    tmp_path: Path, server: ForkServer
) -> None:
    said: list[str] = []
    with Supervisor(said.append, server=server) as supervisor:
        script = _script(tmp_path, "import time; time.sleep(300)")
        supervisor.start(_job(script))
        (pid,) = supervisor.pids.values()
        assert _command(pid) == f"{script} __node:=it"
        assert Path(f"/proc/{pid}/comm").read_text() == "node\n"
        os.kill(pid, signal.SIGKILL)
        assert _wait_until(lambda: bool(supervisor.poll() or said))
        supervisor.start(_job(script))
        (second,) = supervisor.pids.values()
        assert second != pid
    assert said == ["node ended (killed by SIGKILL)"]
    assert _wait_until(lambda: not _command(second))


def test_what_another_python_runs_begins_by_itself(tmp_path: Path, server: ForkServer) -> None:
    assert server.takes([_script(tmp_path, "")])
    assert not server.takes([_script(tmp_path, "", "/usr/bin/another")])
    assert not server.takes([sys.executable, "-c", "pass"]) and not server.takes([str(tmp_path / "none")])


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_processes_of_a_killed_server_go_on_and_the_next_begin_by_themselves(tmp_path: Path) -> None:
    """They were ended with it: a simulator, and its arm in motion."""
    said: list[str] = []
    with ForkServer(os.environ, ()) as server, Supervisor(said.append, server=server) as supervisor:
        script = _script(tmp_path, _UNTIL_TERM)
        supervisor.start(_job(script))
        (first,) = supervisor.pids.values()
        assert _wait_until((tmp_path / f"{first}.up").exists)
        os.kill(_parent(first), signal.SIGKILL)
        assert _wait_until(lambda: bool(supervisor.poll() or said))
        assert "the process that starts nodes ended (killed by SIGKILL): its nodes go on" in said[0]
        assert _wait_until(lambda: _parent(first) == os.getpid()) and supervisor.pids == {"node": first}
        time.sleep(0.2)
        supervisor.poll()
        assert len(said) == 1 and supervisor.pids == {"node": first}
        os.kill(first, signal.SIGTERM)
        assert _wait_until(lambda: bool(supervisor.poll() or len(said) > 1))
        supervisor.start(_job(script))
        (second,) = supervisor.pids.values()
        assert _wait_until(lambda: "__node:=it" in _command(second))
    assert said[1:] == ["node ended (exit code 9)"]


@pytest.mark.parametrize("killed", ["", "server", "guardian", "server, guardian"])
def test_no_process_outlives_its_supervisor_whoever_is_killed_with_it(killed: str, tmp_path: Path) -> None:
    script = _script(tmp_path, _UNTIL_TERM)
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, script, sys.executable],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout
    told = dict(word.split("=") for word in keeper.stdout.readline().split())
    nodes = [int(told["forked"]), int(told["begun"])]
    assert _wait_until(lambda: all((tmp_path / f"{pid}.up").exists() for pid in nodes))
    for who in filter(None, killed.split(", ")):
        os.kill(_parent(nodes[0]) if who == "server" else int(told["guardian"]), signal.SIGKILL)
    keeper.kill()
    keeper.wait()
    assert _wait_until(lambda: not any(_command(pid) for pid in nodes), 20.0)
    assert _wait_until(lambda: not _command(int(told["guardian"])))


def _children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_a_graph_has_a_head_start_that_is_handed_over_once_or_ends_with_the_command(tmp_path: Path) -> None:
    before = _children()
    with head_start(["run", "task:=drawer"]):
        server = begun()
        assert server is not None and begun() is None
    with server:
        assert server.takes([_script(tmp_path, "")])
    with head_start(["run", "tsk:=drawer"]):
        assert _children() != before
    assert _children() == before and begun() is None


@pytest.mark.parametrize("words", ["", "eval", "run --help", "move -h"])
def test_what_starts_no_graph_has_no_head_start(words: str) -> None:
    with head_start(words.split()):
        assert begun() is None


_WHAT_IS_THERE = """
import os, sys
print("slow_one" in sys.modules, os.environ.get("MINE"), os.getsid(0) == os.getpid(), flush=True)
"""


def _slow_module(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str = "") -> None:
    (folder / "slow_one.py").write_text(f"print('said at the import', flush=True)\n{code}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


def test_what_a_node_imports_is_imported_before_its_command_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only for the script that it was imported for, and once; what the import says is in the node's log."""
    _slow_module(tmp_path, monkeypatch)
    other = tmp_path / "other"
    other.mkdir()
    script, another = _script(tmp_path, _WHAT_IS_THERE), _script(other, _WHAT_IS_THERE)
    with ForkServer(os.environ, ()) as server, Supervisor(print, server=server) as supervisor:
        server.ahead(script, ("slow_one",))
        for path in (another, script, script):
            supervisor.start(_job(path))
            assert _wait_until(lambda: bool(supervisor.poll()) or not supervisor.pids)
    assert Path(another).with_suffix(".log").read_text() == "False 1 True\n"
    assert Path(script).with_suffix(".log").read_text() == "said at the import\nTrue 1 True\nFalse 1 True\n"


def test_what_was_imported_for_nobody_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _children()
    _slow_module(
        tmp_path,
        monkeypatch,
        "import os\nopen(f'{os.getpid()}.up', 'w').close()\nimport time\ntime.sleep(300)",
    )
    monkeypatch.chdir(tmp_path)
    with ForkServer(os.environ, ()) as server:
        server.ahead(_script(tmp_path, ""), ("slow_one",))
        assert _wait_until(lambda: bool(list(tmp_path.glob("*.up"))))
        (pid,) = (int(path.stem) for path in tmp_path.glob("*.up"))
    assert _wait_until(lambda: not _command(pid)) and _children() == before


def test_a_process_that_died_at_its_imports_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slow_module(tmp_path, monkeypatch, "import os\nos._exit(3)")
    script = _script(tmp_path, _WHAT_IS_THERE)
    with ForkServer(os.environ, ()) as server, Supervisor(print, server=server) as supervisor:
        server.ahead(script, ("slow_one",))
        assert _wait_until(lambda: server.lost() == "" and bool(server._statuses))
        supervisor.start(_job(script))
        assert _wait_until(lambda: bool(supervisor.poll()) or not supervisor.pids)
    assert Path(script).with_suffix(".log").read_text() == "False 1 True\n"
