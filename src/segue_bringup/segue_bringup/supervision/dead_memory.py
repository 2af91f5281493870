"""Shared memory that killed processes left behind: Fast DDS leaves 32 MB for each until the machine restarts.

/dev/shm/fastdds_0123456789abcdef       a participant's messages
/dev/shm/fastdds_0123456789abcdef_el    locked by its process for as long as that lives
"""

import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path

_SHARED = Path("/dev/shm")
_LOCK = re.compile(r"fastdds_[0-9a-z]{16}_el")
_YOUNG_S = 60.0  # a process that is just starting makes the file first, and locks it then


def clear_dead_memory(folder: Path = _SHARED) -> int:
    """Remove this user's segments that no process holds; how many bytes of memory that freed.

    A process that still looks into one of them keeps what it sees.
    """
    return sum(_clear(path) for path in _locks(folder))


def _locks(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if _LOCK.fullmatch(path.name)]
    except OSError:  # no such folder here
        return []


def _clear(lock: Path) -> int:
    """Bytes of what was removed; 0 where somebody holds the lock, or may be about to."""
    segment = lock.with_name(lock.name.removesuffix("_el"))
    with suppress(OSError), lock.open("rb") as file:
        told = os.fstat(file.fileno())
        if told.st_uid != os.getuid() or time.time() - told.st_mtime < _YOUNG_S:
            return 0
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        freed = segment.stat().st_blocks * 512 if segment.exists() else 0
        segment.unlink(missing_ok=True)
        lock.unlink()
        return freed
    return 0
