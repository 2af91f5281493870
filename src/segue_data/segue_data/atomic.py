"""Files that are there whole or not at all, also when the disk fills or the machine stops while they are written."""

from __future__ import annotations

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write `path` by way of NAME.part beside it, flushed to the disk before it takes the place of what was there.

    What is no plain file (/dev/stdout, a pipe) is written directly.

    Raises:
        OSError: the disk refuses; what was at `path` before is still there.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
