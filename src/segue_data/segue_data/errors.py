"""Constructors for this package's `DataError`s: every text names the file and the place in it."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import DataError, ErrorCode

Source = Path | str


def missing(source: Source, what: str) -> DataError:
    """Something that must be there is not."""
    return DataError(ErrorCode.DATA_BAG_INCOMPLETE, f"{source}: {what}")


def corrupt(source: Source, place: str, what: str) -> DataError:
    """Bytes that cannot be read as what they should be."""
    return DataError(ErrorCode.DATA_BAG_CORRUPT, f"{source}, {place}: {what}")


def misaligned(source: Source, place: str, what: str) -> DataError:
    """An episode that cannot be turned into control ticks."""
    return DataError(ErrorCode.DATA_CONVERSION, f"{source}, {place}: {what}")


def invalid_dataset(source: Source, place: str, what: str) -> DataError:
    """A dataset whose files contradict each other or its format."""
    return DataError(ErrorCode.DATA_DATASET_INVALID, f"{source}, {place}: {what}")


def exists(source: Source) -> DataError:
    """Something would be overwritten."""
    return DataError(ErrorCode.DATA_PATH_REFUSED, f"{source} exists already and is not overwritten")


def write_failed(source: Source, why: str) -> DataError:
    """The disk refused (full, read-only, gone)."""
    return DataError(ErrorCode.DATA_DISK, f"{source}: {why}")
