"""A folder that one process fills while others wait or are refused; what a killed process left there is removed.

NAME.partial    claimed: locked by the process that fills it
NAME            one rename of it, so it is complete or not there
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


@contextmanager
def claimed(folder: Path, busy: Callable[[], None]) -> Iterator[Path]:
    """`folder`, empty and of this process alone; removed at the end of the block unless the block renamed it.

    Where the file system knows no locks it is another folder beside it, of a name of its own.

    Args:
        busy: called once when another process has it. It may raise; when it returns the call waits for its turn.

    Raises:
        OSError: it cannot be made.
    """
    folder, handle = _lock(folder, busy)
    try:
        _clear(folder)
        yield folder
    finally:
        if _is(handle, folder):  # not renamed, and not another process's of the same name
            shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _lock(folder: Path, busy: Callable[[], None]) -> tuple[Path, int]:
    """The folder, and the open handle that holds its lock."""
    told = False
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)  # what a link leads to is nobody's to clear
        except FileNotFoundError:  # its owner has just renamed it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno not in _TAKEN:
                own = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
                return own, os.open(own, os.O_RDONLY)
            if not told:
                busy()
                told = True
            _wait(folder)
            continue
        if _is(handle, folder):
            return folder, handle
        os.close(handle)


def _wait(folder: Path) -> None:
    """Until nobody holds the lock on what is there now."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _is(handle: int, folder: Path) -> bool:
    """Whether the open handle is what lies at `folder` now."""
    try:
        there = folder.lstat()
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _clear(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
