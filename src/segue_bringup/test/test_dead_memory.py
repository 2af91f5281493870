"""Shared memory of killed processes goes, that of everybody who lives stays."""

import fcntl
import os
import time
from pathlib import Path

import pytest

from segue_bringup.supervision.dead_memory import clear_dead_memory

SIZE = 1 << 20


def _segment(folder: Path, number: int, age_s: float = 3600.0) -> Path:
    """A participant's memory and the file that its process would lock."""
    segment = folder / f"fastdds_{number:016x}"
    segment.write_bytes(b"\1" * SIZE)
    lock = folder / f"{segment.name}_el"
    lock.touch()
    os.utime(lock, (time.time() - age_s,) * 2)
    return segment


def test_what_nobody_holds_is_removed_and_counted(tmp_path: Path) -> None:
    """A graph that was killed with -9 left 32 MB of memory for every node, for good."""
    for number in range(3):
        _segment(tmp_path, number)
    (tmp_path / "fastdds_0000000000000002").unlink()  # half of it is gone already
    assert clear_dead_memory(tmp_path) == 2 * SIZE
    assert list(tmp_path.iterdir()) == [] and clear_dead_memory(tmp_path) == 0


def test_what_a_process_holds_is_just_being_made_or_is_something_else_stays(tmp_path: Path) -> None:
    held, young = _segment(tmp_path, 1), _segment(tmp_path, 2, age_s=1.0)
    others = [
        tmp_path / name for name in ("fastdds_port7400_el", "fastdds_port7400", "sem.other", "psm_1234")
    ]
    for path in others:
        path.touch()
    with (tmp_path / f"{held.name}_el").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert clear_dead_memory(tmp_path) == 0
    assert held.exists() and young.exists() and all(path.exists() for path in others)


def test_a_machine_without_shared_memory_or_a_file_of_another_user_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clear_dead_memory(tmp_path / "none") == 0
    segment = _segment(tmp_path, 1)
    monkeypatch.setattr(os, "getuid", lambda: -1)
    assert clear_dead_memory(tmp_path) == 0 and segment.exists()
