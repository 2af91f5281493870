"""A lock on a folder that dies with its process, so that open episodes can be told from abandoned ones."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FolderLock:
    """Exclusive advisory lock (flock) on a folder, until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            self._handle = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock; False when another process does."""
        return self._handle is not None

    def release(self) -> None:
        """Give the lock back; may be called twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
