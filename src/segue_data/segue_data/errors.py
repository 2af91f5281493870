"""Constructors for this package's `DataError`s: every text names the file and the place in it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue_core.errors import DataError, ErrorCode

Source = Path | str


def missing(source: Source, what: str, do: str = "") -> DataError:
    """Something that must be there is not."""
    return DataError(ErrorCode.DATA_BAG_INCOMPLETE, f"{source}: {what}", do=do)


def no_episode(path: Path, number: int, count: int) -> DataError:
    """Episodes are counted from 0."""
    which = f"take one from 0 to {count - 1}" if count else "record some: ./segue record"
    return missing(path, f"no episode {number}; there are {count}", which)


def must_exist(bag: Path) -> None:
    """Raises DataError where nothing is at the place of a bag: there is nothing to mend."""
    if not bag.exists():
        raise missing(bag, "there is no such recording", "give the folder of a bag, as runs/RUN/bag/EPISODE")


def corrupt(source: Source, place: str, what: str, do: str = "") -> DataError:
    """Bytes that cannot be read as what they should be."""
    return DataError(ErrorCode.DATA_BAG_CORRUPT, f"{source}, {place}: {what}", do=do)


def spoiled(source: Source, place: str, what: str) -> DataError:
    """One message of a whole recording whose bytes are wrong: no repair brings them back."""
    return corrupt(
        source, place, what, "leave this recording out, or record it again: repair mends files, not messages"
    )


def misaligned(source: Source, place: str, what: str, do: str = "") -> DataError:
    """An episode that cannot be turned into control ticks."""
    return DataError(ErrorCode.DATA_CONVERSION, f"{source}, {place}: {what}", do=do)


def invalid_dataset(source: Source, place: str, what: str, do: str = "") -> DataError:
    """A dataset whose files contradict each other or its format."""
    return DataError(ErrorCode.DATA_DATASET_INVALID, f"{source}, {place}: {what}", do=do)


def exists(source: Source, do: str = "") -> DataError:
    """Something would be overwritten."""
    return DataError(ErrorCode.DATA_PATH_REFUSED, f"{source} exists already and is not overwritten", do=do)


def write_failed(source: Source, why: str, do: str = "") -> DataError:
    """The disk refused (full, read-only, gone)."""
    return DataError(ErrorCode.DATA_DISK, f"{source}: {why}", do=do)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing(target: Source) -> Iterator[None]:
    """What the disk refuses inside the block (full, read-only, not yours) becomes a `DataError` that names `target`."""
    try:
        yield
    except OSError as error:
        file, asked = str(error.filename or target), str(target)
        if error.errno not in (*_FULL, *_CLOSED) or not (file.startswith(asked) or asked.startswith(file)):
            raise
        where = f" ({file})" if file != asked else ""
        do = "make room" if error.errno in _FULL else "make it writable, or work on a copy"
        text = f"cannot be written: {os.strerror(error.errno)}{where}"
        raise write_failed(target, text, do) from error
