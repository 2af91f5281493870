"""One set-up at a time in a workspace."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.5


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file; wait, and say for whom, while another process holds it.

    The kernel frees the lock when its process ends in any way, so a crash leaves nothing to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _try_lock(file.fileno()):
            print(
                f"Another set-up of this workspace is running ({_holder(path)}); waiting for it.",
                file=sys.stderr,
            )
            while not _try_lock(file.fileno()):
                time.sleep(POLL_S)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text().strip() or "unknown process"
