"""One set-up at a time in a workspace."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from segue_bringup.environment.errors import EnvironmentProblem

POLL_S = 0.5


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file; wait, and say for whom, while another process holds it.

    The kernel frees the lock when its process ends in any way, so a crash leaves nothing to clean up.

    Raises:
        EnvironmentProblem: the workspace cannot be written by this user.
    """
    with _opened(path) as file:
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


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        text = f"this workspace is not set up for this user, who cannot write {error.filename} ({error.strerror})"
        raise EnvironmentProblem(
            text, "./segue setup as the owner of the workspace, or a copy of your own"
        ) from error


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    return path.read_text().strip() or "unknown process"
