"""Laws of the end: Ctrl-C and a reader that quits leave no trace, whenever they come."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from full_device import full_device

from segue_bringup.environment.endings import (
    EXIT_ENVIRONMENT,
    EXIT_INTERRUPTED,
    EXIT_READER_GONE,
    held,
    reader_gone,
)
from segue_bringup.run.interrupts import Interrupts, refused_output

ROOT = Path(__file__).parents[3]
CLI = [sys.executable, "-m", "segue_bringup.cli"]


def start(*command: str) -> subprocess.Popen[str]:
    """A command as a terminal starts it: with its own process group, and SIGINT held as `./segue` does."""
    with held():
        return subprocess.Popen(
            command, cwd=ROOT, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def wait_until(condition: Callable[[], bool], limit_s: float = 60.0) -> bool:
    """Real processes need real time: poll for what must come true."""
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.002)
    return true


def loaded(process: subprocess.Popen[str], library: str) -> bool:
    """Whether the process has come so far that a library is in its memory, or has ended."""
    try:
        return library in Path(f"/proc/{process.pid}/maps").read_text() or process.poll() is not None
    except OSError:
        return True


@pytest.mark.parametrize("library", ["", "numpy", "mujoco", "scipy", "torch"])
def test_ctrl_c_at_any_moment_of_the_start_leaves_no_trace(library: str, tmp_path: Path) -> None:
    """The first two seconds of every command printed a traceback of whatever was being imported."""
    words = ("eval", "--seeds", "0:2", "--workers", "1", "--quiet", "--out", str(tmp_path))
    process = start(*CLI, *words)
    assert wait_until(lambda: not library or loaded(process, library))
    os.killpg(process.pid, signal.SIGINT)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode == EXIT_INTERRUPTED, said
    assert "Traceback" not in said and "Exception ignored" not in said


@pytest.mark.parametrize(("number", "library"), [(signal.SIGTERM, ""), (signal.SIGHUP, "numpy")])
def test_what_else_asks_for_the_end_does_it_as_ctrl_c_does(
    number: signal.Signals, library: str, tmp_path: Path
) -> None:
    """They ended a command with the system's own status, whatever it was about to put in order."""
    process = start(*CLI, "eval", "--seeds", "0:2", "--quiet", "--out", str(tmp_path))
    assert wait_until(lambda: loaded(process, library or "libpython") or not library)
    if not library:  # its own beginning is over when it has taken the signal for itself
        assert wait_until(lambda: _caught(process, number))
    process.send_signal(number)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode == EXIT_INTERRUPTED, said
    assert "Traceback" not in said


def _caught(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_ctrl_c_ends_the_script_itself_without_a_trace() -> None:
    process = start("./segue", "data", "check", "--help")
    os.killpg(process.pid, signal.SIGINT)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode in (EXIT_INTERRUPTED, -signal.SIGINT)  # 130 either way, as shells say it
    assert "Traceback" not in said


def test_a_training_that_is_interrupted_while_it_starts_leaves_no_trace(tmp_path: Path) -> None:
    process = start(*CLI, "train", "act", "task=push_button", f"data={tmp_path}")
    assert wait_until(lambda: process.poll() is not None or _trains(process))
    os.killpg(process.pid, signal.SIGINT)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode == EXIT_INTERRUPTED, said
    assert "Traceback" not in said


def _trains(process: subprocess.Popen[str]) -> bool:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline") for child in children]
    return any(
        b"segue_policies.training.command.train" in command.read_bytes()
        for command in commands
        if command.exists()
    )


@pytest.mark.parametrize("words", [("eval", "list"), ("nonsense",)])
def test_a_reader_that_quits_ends_a_command_quietly(words: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*CLI, *words], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(write)
    if words == ("nonsense",):  # nothing was for the reader that has quit
        assert (done.returncode, "nonsense" in done.stderr) == (2, True)
    else:
        assert (done.returncode, done.stderr) == (EXIT_READER_GONE, "")


def test_a_reader_is_gone_when_it_has_closed_its_end_and_not_before() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        assert not reader_gone(stream)
        os.close(read)
        assert reader_gone(stream)
    with Path(os.devnull).open("w") as nowhere:
        assert not reader_gone(nowhere)


def test_what_is_printed_to_nobody_is_counted_as_one_interruption_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`segue run | head -1` left the arm moving: printing raised in the midst of the run."""
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Interrupts() as interrupts:
            assert interrupts.count == 0
            os.close(read)
            for _ in range(3):
                print("x", file=sys.stderr, flush=True)
            assert (interrupts.count, interrupts.reader_gone, interrupts.signalled) == (1, True, False)


def test_output_that_a_full_disk_refuses_is_no_interruption_but_is_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error once ended the run in its midst, with the arm in motion."""
    with full_device(tmp_path).open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Interrupts() as interrupts:
            for _ in range(3):
                print("x", file=sys.stderr, flush=True)
            refusal = refused_output()
            assert interrupts.count == 0 and refusal is not None and refusal.errno == errno.ENOSPC


def test_what_nobody_needs_to_wait_for_is_interrupted_within_what_only_counts() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.heeded():
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.count == 1


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)


_IMPORTS = """
import os, signal, sys, time
from segue_bringup.environment import endings

def work():
    try:
        import slow_to_import
        time.sleep(60.0)
    except KeyboardInterrupt:
        print("cleared up", flush=True)
        raise

endings.begin()
sys.exit(endings.finish(work))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_for_the_end_while_something_is_imported_has_it_cleared_up_after(
    number: signal.Signals, tmp_path: Path
) -> None:
    """What a command had begun stayed half written when it was asked in the midst of a late import."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nprint('imports', flush=True)\ntime.sleep(0.3)\n"
    )
    (tmp_path / "program.py").write_text(_IMPORTS)
    process = start(sys.executable, str(tmp_path / "program.py"))
    assert process.stdout is not None and process.stdout.readline() == "imports\n"
    process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (EXIT_INTERRUPTED, "cleared up\n", "")


@pytest.mark.parametrize("words", [("--version",), ("help", "run"), ("doctor", "--help")])
def test_output_that_cannot_be_written_is_said_in_one_sentence(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with full_device(tmp_path).open("w") as full:
        done = subprocess.run(
            [ROOT / "segue", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120
        )
    assert done.returncode == EXIT_ENVIRONMENT
    assert "[403 DATA_DISK]" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", ["--version", "help run", "data --help"])
def test_a_stream_that_is_closed_is_one_that_nobody_reads(words: str) -> None:
    """`>&-` ended with a trace, and what was opened next got what was printed."""
    line = f"{ROOT / 'segue'} {words} >&- <&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
