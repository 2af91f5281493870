"""Repair a folder: the bags in it, and the episodes that a recorder left open."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from segue_core.errors import DataError
from segue_data.bags.folders import foreign_recordings, open_episodes, recordings
from segue_data.bags.manifest import FILE_NAME, RECORDING, RESERVE, load
from segue_data.bags.mcap_scan import MAGIC
from segue_data.bags.repair import RepairReport, repair
from segue_data.bags.stored import files_of
from segue_data.errors import corrupt, exists, missing
from segue_data.storage.folder_lock import FolderLock

_HEADER_BYTES = 32  # magic and the header record that every file begins with need more
_EMPTY_BYTES = 64  # a recorder's file before its first chunk
_BEFORE_MESSAGES = frozenset({FILE_NAME, "metadata.yaml"})


def repair_all(folder: Path) -> tuple[list[RepairReport], list[DataError]]:
    """Repair what recorders left open in `folder`, and every bag at or directly below it that nobody records now.

    Returns:
        A report for every bag, whole ones included, and what is wrong with those that cannot be repaired.

    Raises:
        DataError: there is neither a bag nor an open episode.
    """
    if not folder.is_dir():
        raise missing(
            folder, "no such folder", "give the folder of a bag, or the folder that was recorded into"
        )
    was_recorded_to = (folder / RECORDING).is_dir()
    reports, failures = repair_open_episodes(folder)
    opened = {report.bag for report in reports}
    for bag in recordings(folder):
        if bag in opened or bag.name.endswith(UNREADABLE):
            continue
        lock = FolderLock(bag)
        try:
            if lock.held:  # else it is being recorded
                report = repair(bag)
                load(bag)
                reports.append(report)
        except DataError as error:
            failures.append(error)
        finally:
            lock.release()
    failures += [_foreign(bag, file) for bag, file in foreign_recordings(folder).items()]
    if not (reports or failures or was_recorded_to):
        raise missing(folder, "no bag here or one level below", "give the folder that was recorded into")
    return reports, failures


def _foreign(bag: Path, file: str) -> DataError:
    do = "decompress it by its own tool and repair again, or convert the bag with `ros2 bag convert`"
    return corrupt(
        bag, file, f"neither MCAP nor SQLite, nor one of them compressed as .zstd: not repaired; {do}"
    )


UNREADABLE = ".unreadable"
"""How the folder of an open episode ends of which not one message could be read."""


def repair_open_episodes(folder: Path) -> tuple[list[RepairReport], list[DataError]]:
    """Repair what recorders left in `folder/.recording` and move it to `folder`.

    Episodes that are being recorded right now are left alone; one that nothing was written to is removed, one of which
    nothing can be read becomes NAME.unreadable in `folder`. Links are not followed.

    Returns:
        What was repaired, and what is wrong with the rest.
    """
    reports: list[RepairReport] = []
    opened, links = open_episodes(folder)
    failures: list[DataError] = list(links)
    for bag in opened:
        try:
            if (report := _repair_open(bag, folder)) is not None:
                reports.append(report)
        except DataError as error:
            failures.append(error)
    with suppress(OSError):  # still in use
        (folder / RECORDING).rmdir()
    return reports, failures


def _nothing_came(bag: Path) -> bool:
    """Whether there is nothing but what a recorder writes before the first message."""
    files = files_of(bag)
    others = {path.name for path in bag.iterdir()} - {path.name for path in files}
    return others <= _BEFORE_MESSAGES and all(_holds_nothing(file) for file in files)


def _holds_nothing(file: Path) -> bool:
    """Whether the recorder was killed before anything but the file's header had reached the disk."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
    begun = len(head) == _HEADER_BYTES or MAGIC[: len(head)] == head[: len(MAGIC)]
    return size <= _EMPTY_BYTES and begun


def _repair_open(bag: Path, folder: Path) -> RepairReport | None:
    lock = FolderLock(bag)
    if not lock.held:
        return None
    try:
        (bag / RESERVE).unlink(missing_ok=True)
        if (folder / bag.name).exists():
            raise exists(folder / bag.name)
        if _nothing_came(bag):
            shutil.rmtree(bag)
            return None
        report = _repaired_or_aside(bag, folder)
        bag.replace(folder / bag.name)
        return replace(report, bag=folder / bag.name)
    finally:
        lock.release()


def _repaired_or_aside(bag: Path, folder: Path) -> RepairReport:
    """The report of its repair; when nothing of it can be read it is put aside, out of the recorder's way."""
    try:
        report = repair(bag)
    except DataError as error:
        if (aside := folder / f"{bag.name}{UNREADABLE}").exists():
            raise
        bag.replace(aside)
        raise corrupt(
            aside, "open episode", f"{error.text}; delete the folder if it is not needed"
        ) from error
    return report
