"""Files that are there whole or not at all, also when the disk fills or the machine stops while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, of this process alone; at the end of the block it takes the place of `path`.

    Raises:
        OSError: the disk refuses; what was at `path` before is still there, and nothing is left beside it.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk does not say where
        raise


def write_text(path: Path, text: str) -> None:
    """Write `path` as `whole_file` does. What is no plain file (/dev/stdout, a pipe) is written directly.

    Raises:
        OSError: the disk refuses; what was at `path` before is still there.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
