"""A file on a disk that is full: Linux's /dev/full, or one like it where a container has none."""

import os
import stat
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def full_device(folder: Path) -> Path:
    """Its path; the test is skipped where there is none and none can be made below `folder`."""
    if FULL.is_char_device():
        return FULL
    own = folder / "full"
    try:
        os.mknod(own, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    except OSError as error:
        pytest.skip(f"there is no {FULL}, and none can be made: {error.strerror}")
    return own
