"""LeRobot's process: what goes over the wire, how it fails, and that nothing of it is left behind."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lerobot_double import stub
from policy_rig import ask, ros_with
from test_lerobot_policy import CAMERAS, FITS, checkpoint

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.methods.lerobot import client, lerobot_server
from segue_policies.methods.lerobot.lerobot_server import version
from segue_policies.methods.lerobot.lerobot_server.wire import receive, send
from segue_policies.methods.lerobot.place import Place, find_place, parse_place
from segue_policies.methods.lerobot.policy import LeRobotPolicy
from segue_policies.node.policy import PolicyNode
from segue_policies.policy_loading import check_checkpoint, load_policy

FOLDER = Path(lerobot_server.__file__).parent
STATE = np.linspace(0.0, 0.1, 14, dtype=np.float32)


def request(task: str = "", sampling: str = "plain", **options: float) -> PredictRequest:
    images = dict.fromkeys(CAMERAS, np.zeros((72, 96, 3), np.uint8))
    rows = np.zeros((20, 14), np.float32)
    observation = Observation(5, STATE, images)
    return PredictRequest(
        5, 1, sampling, rows[:, 0], rows, 2, 3, options, observations=(observation,), instruction=task
    )


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return true


def pid_of(folder: Path) -> int:
    """Of the process that serves a checkpoint, once it loads."""
    file = folder / "pid"
    assert soon(lambda: file.is_file() and file.read_text().endswith("\n"))
    return int(file.read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint, and a double of LeRobot where its interpreter is looked for."""
    monkeypatch.setenv("LEROBOT_PYTHON", str(stub(tmp_path)))
    monkeypatch.delenv("LEROBOT_SERVER", raising=False)
    return checkpoint(tmp_path / "checkpoint", "diffusion")


@pytest.fixture
def policy(folder: Path) -> Iterator[LeRobotPolicy]:
    loaded = load_policy(folder, FITS)
    yield loaded
    loaded.close()


def refusal(policy: LeRobotPolicy, task: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy.predict(request(task))
    return caught.value


def test_what_is_asked_and_answered_arrives_as_it_was(policy: LeRobotPolicy) -> None:
    for _ in range(2):
        rows = policy.predict(request()).chunk.actions
        np.testing.assert_array_equal(rows, np.tile(STATE, (20, 1)))
    best = policy.predict(request(sampling="bidirectional", candidates=3)).chunk.actions
    np.testing.assert_array_equal(best, rows)  # of three, the one that is nearest to the reference


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        ("raise", ErrorCode.POLICY_FAILED, "RuntimeError: the network is upset"),
        ("no memory", ErrorCode.POLICY_OUT_OF_MEMORY, "too large"),
        ("nan", ErrorCode.POLICY_NOT_FINITE, "not finite"),
        ("short", ErrorCode.POLICY_FAILED, r"got \(1, 19, 14\); expected \(1, 20, 14\)"),
    ],
)
def test_a_request_that_fails_is_an_error_and_the_next_one_is_answered(
    policy: LeRobotPolicy, task: str, code: ErrorCode, said: str
) -> None:
    with pytest.raises(PolicyError, match=said) as caught:
        policy.predict(request(task))
    assert caught.value.code == code
    policy.predict(request())


def test_a_process_that_is_killed_is_said_with_its_last_words_and_refuses_at_once(
    policy: LeRobotPolicy,
) -> None:
    error = refusal(policy, "die")
    assert error.code == ErrorCode.POLICY_FAILED
    assert "while it was asked for a chunk, was ended by SIGKILL" in str(error)
    assert "the last words" in str(error)
    again = refusal(policy, "")
    assert (again.code, again.text) == (error.code, error.text)


def test_a_process_that_ends_between_two_requests_is_said(policy: LeRobotPolicy, folder: Path) -> None:
    os.kill(pid_of(folder), signal.SIGKILL)
    assert "SIGKILL" in str(refusal(policy, ""))


def test_a_silent_process_is_ended_after_a_time(
    policy: LeRobotPolicy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(client, "_GRACE_S", 0.2)
    error = refusal(policy, "hang")
    assert error.code == ErrorCode.POLICY_TIMEOUT and "no answer in 0.2 s" in str(error)
    assert soon(lambda: ended(pid_of(folder)))


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("refuse", ErrorCode.CHECKPOINT_CORRUPT, "LeRobot cannot load it"),
        (
            "crash",
            ErrorCode.POLICY_NOT_READY,
            r"before it was ready, ended with status 1; .*no such library",
        ),
    ],
)
def test_a_process_that_does_not_become_ready_says_why(
    folder: Path, fault: str, code: ErrorCode, said: str
) -> None:
    (folder / "fault").write_text(fault)
    with pytest.raises(PolicyError, match=said) as caught:
        load_policy(folder, FITS)
    assert caught.value.code == code


def test_an_interpreter_without_lerobot_is_told_what_to_install(folder: Path) -> None:
    """The real server's program, in this interpreter, which has none."""
    if version.installed():
        pytest.skip("LeRobot is installed here")
    with pytest.raises(
        PolicyError, match=r"has no LeRobot; name the Python of .* make an environment of its own"
    ) as caught:
        client.open_server(Place(python=Path(sys.executable)), folder)
    assert caught.value.code == ErrorCode.POLICY_NOT_READY
    assert "pip install" not in str(caught.value), (
        "LeRobot's pins would undo this environment, which is Segue's own"
    )


@pytest.mark.parametrize(
    ("found", "said"), [("0.3.3", "too old; known to work are 0.4.4 and 0.6.1"), ("0.4.4", ""), ("0.7.0", "")]
)
def test_versions_that_cannot_work_are_refused_and_new_ones_are_named(found: str, said: str) -> None:
    problem = version.problem(found)
    assert said in problem if said else problem == ""
    assert bool(version.untested(found)) == (found not in version.KNOWN)


def test_ctrl_c_in_the_terminal_ends_the_node_first(policy: LeRobotPolicy, folder: Path) -> None:
    os.kill(pid_of(folder), signal.SIGINT)
    policy.predict(request())


@pytest.mark.parametrize("task", ["", "hang"])
def test_a_policy_that_is_let_go_of_leaves_no_process(policy: LeRobotPolicy, folder: Path, task: str) -> None:
    pid = pid_of(folder)
    if task:
        send(policy._server._connection, {"task": task, "count": 1}, {"state": STATE})
    policy.close()
    policy.close()
    assert soon(lambda: ended(pid))
    assert "was let go of" in str(refusal(policy, ""))


NODE = """
import sys
from pathlib import Path
import numpy as np
from segue_policies.methods.lerobot.client import open_server
from segue_policies.methods.lerobot.place import find_place
server = open_server(find_place(""), Path(sys.argv[1]))
print("drawing", flush=True)
server.draw({"task": "hang", "count": 1}, {"state": np.zeros(14)})
"""


@pytest.mark.parametrize("when", ["loading", "drawing"])
def test_a_killed_node_leaves_no_process(folder: Path, when: str) -> None:
    """It cannot say goodbye; the server sees its standard input close."""
    (folder / "fault").write_text("hang" if when == "loading" else "")
    with subprocess.Popen([sys.executable, "-c", NODE, str(folder)], stdout=subprocess.PIPE) as node:
        assert node.stdout is not None
        assert when == "loading" or node.stdout.readline() == b"drawing\n"
        pid = pid_of(folder)
        assert not ended(pid)
        node.kill()
    assert soon(lambda: ended(pid))


def test_a_node_whose_process_is_killed_answers_with_the_code_and_the_sentence(folder: Path) -> None:
    """The scheduler counts it as any failed request, and stops the arm."""
    asked = [replace(request(task), sequence=k) for k, task in enumerate(("", "die", ""))]
    with ros_with(checkpoint=folder):
        node = PolicyNode()
        node.trigger_configure()
        node.trigger_activate()
        pid = pid_of(folder)
        good, *bad = ask(node, asked[0].observation, *asked)
    assert good.error_code == 0, good.error_text
    for each in bad:
        assert each.error_code == ErrorCode.POLICY_FAILED and "SIGKILL" in each.error_text
    assert soon(lambda: ended(pid))


# By hand, on another machine.


@pytest.fixture
def listening(folder: Path) -> Iterator[int]:
    """Port of a double that listens."""
    command = [str(folder.parent / "python"), "-E", "-u", "-", str(folder), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline().split(";")[0].rpartition(":")[2])
        server.send_signal(signal.SIGINT)
    assert server.returncode == 130


def test_a_server_elsewhere_serves_one_policy_after_the_other(
    folder: Path, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEROBOT_SERVER", f"127.0.0.1:{listening}")
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", listening)) as stranger:
            stranger.sendall(os.urandom(100))
        policy = load_policy(folder, FITS)
        assert policy.predict(request()).chunk.actions.shape == (20, 14)
        policy.close()
    first = load_policy(folder, FITS)
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(PolicyError, match="it serves one policy at a time"):
        load_policy(folder, FITS)
    first.close()
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", 10.0)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    with pytest.raises(
        PolicyError, match=r"serves another checkpoint than .*: their config.json differ"
    ) as caught:
        load_policy(folder, FITS)
    assert caught.value.code == ErrorCode.CHECKPOINT_MISMATCH


def test_a_server_that_is_not_there_is_said_with_how_to_start_it(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = Place(address=free.getsockname())
    with pytest.raises(PolicyError, match=r"127.0.0.1:\d+ is not there .*lerobot_server CHECKPOINT --listen"):
        client.open_server(place, folder)


# Where LeRobot is.


def test_where_lerobot_is_comes_from_the_checkpoint_then_from_the_environment(tmp_path: Path) -> None:
    python, other = stub(tmp_path), f"{sys.executable}"
    environment = {"LEROBOT_PYTHON": str(python)}
    assert find_place("", environment) == Place(python=python)
    assert find_place("", environment | {"LEROBOT_SERVER": "gpu:7"}) == Place(address=("gpu", 7))
    assert find_place(other, environment) == Place(python=Path(other))
    assert find_place("[::1]:7", {}).address == ("::1", 7)
    assert str(parse_place(str(find_place("gpu:7", {})), "again")) == "gpu:7"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({}, r"nothing says where LeRobot is. What to do: export LEROBOT_PYTHON="),
        ({"LEROBOT_PYTHON": "/nowhere/python"}, r"LEROBOT_PYTHON names no program .*; got /nowhere/python"),
        ({"LEROBOT_PYTHON": "/tmp"}, r"LEROBOT_PYTHON names no program"),
    ],
)
def test_without_lerobot_nothing_is_started(
    folder: Path, named: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEROBOT_PYTHON")
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    for look in (check_checkpoint, load_policy):
        with pytest.raises(ConfigError, match=said) as caught:
            look(folder, FITS)
        assert caught.value.code == ErrorCode.ENVIRONMENT_INCOMPLETE


# The wire.


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_refused(content: bytes) -> None:
    for prefix in (b"", len(content).to_bytes(8, "little")):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(prefix + content)
            theirs.shutdown(socket.SHUT_WR)
            with pytest.raises((ValueError, EOFError)):
                receive(ours, 5.0)


def test_a_message_that_comes_slowly_is_given_up_in_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall((100).to_bytes(8, "little") + b"begun")
        with pytest.raises(TimeoutError):
            receive(ours, 0.05)


def test_what_runs_in_lerobots_python_needs_nothing_of_ours_and_python_3_10() -> None:
    allowed = {"lerobot", "numpy", "safetensors", "torch", *sys.stdlib_module_names} - {
        "pickle",
        "marshal",
        "shelve",
    }
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 10))
        nodes = list(ast.walk(tree))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
        assert {name.split(".")[0] for name in names} <= allowed, path.name
        assert all(n.level < 2 for n in nodes if isinstance(n, ast.ImportFrom)), path.name
