"""Make a damaged or unfinished bag readable again without losing a message that can be read from its front."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from segue_core.errors import ConfigError, DataError
from segue_core.figures import size
from segue_core.files import load_config_mapping
from segue_data.bags.manifest import FILE_NAME, Manifest, load
from segue_data.bags.mcap_index import close_torn, forget_checksums
from segue_data.bags.mcap_rewrite import rewrite
from segue_data.bags.mcap_scan import Scan, scan
from segue_data.bags.reader import count_messages
from segue_data.bags.stored import (
    StoredFile,
    files_of,
    from_scan,
    from_sqlite,
    metadata,
    packed_of,
    readable_counts,
    span,
    storage_of,
    totals,
)
from segue_data.bags.unpacking import unpacked
from segue_data.errors import corrupt, missing, write_failed
from segue_data.storage.atomic import whole_file

_MODES = ("", "none", "message", "file")


@dataclass(frozen=True)
class RepairReport:
    """`changed` is False when the bag was whole already (repairing twice changes nothing)."""

    bag: Path
    changed: bool
    messages: int
    why: str


@dataclass
class _Bag:
    """What is in a bag's folder: its files as they are, and those of which nothing can be read."""

    files: list[StoredFile] = field(default_factory=list)
    scans: dict[Path, Scan] = field(default_factory=dict)
    hopeless: dict[Path, DataError] = field(default_factory=dict)

    @property
    def damaged(self) -> bool:
        """Whether a file, not only metadata.yaml, is damaged."""
        wrong = (scan.torn or scan.unreadable or scan.unsure for scan in self.scans.values())
        return bool(self.hopeless) or any(wrong)

    @property
    def unsure(self) -> bool:
        """Whether a message is not as it was written."""
        return any(scan.unsure for scan in self.scans.values())


def _look(paths: Sequence[Path]) -> _Bag:
    bag = _Bag()
    for path in paths:
        try:
            if storage_of(path) == "mcap":
                bag.scans[path] = scan(path)
                bag.files.append(from_scan(path, bag.scans[path]))
            else:
                bag.files.append(from_sqlite(path))
        except DataError as error:
            bag.hopeless[path] = error
    return bag


def repair(bag: Path, manifest: Manifest | None = None, *, keep_original: bool = True) -> RepairReport:
    """Make the bag folder `bag` readable again, in place; idempotent.

    A torn file is cut behind the last message that is whole, and closed; of a chunk whose checksum does not fit all
    messages stay. As it was the file stays beside, as NAME.damaged, unless `keep_original` is False. metadata.yaml is
    written from what the files hold. The manifest says that the bag is incomplete, unless every message that it counts
    is there as it was written; its other facts come from `manifest`, or from the one that is there. Of files that are
    compressed as a whole nothing is touched while they can be read; a bag that has to be mended is so without them.

    Raises:
        DataError: no file is there, none holds a message that can be read (nothing is changed then), or there is no
            room for the original.
    """
    packed = packed_of(bag)
    if not packed:
        return _repair(bag, manifest, keep_original)
    try:
        return RepairReport(bag, False, count_messages(bag).total(), "already whole")
    except DataError:
        with unpacked(packed, _free_name) as (files, notes):
            report = _repair(bag, manifest, keep_original, files)
    return replace(report, why="; ".join([*notes, report.why]))


def _repair(
    bag: Path, manifest: Manifest | None, keep_original: bool, unpacked: Collection[Path] = ()
) -> RepairReport:
    """`repair`, without what is compressed; of the files in `unpacked` there is an original already."""
    paths = files_of(bag)
    if not paths:
        raise missing(bag, "no .mcap file, so nothing to save: put it back, or delete the folder")
    found = _look(paths)
    count = sum(file.count for file in found.files)
    wrong = _what_is_wrong(bag, found.files)
    if not found.damaged and not wrong:
        return RepairReport(bag, False, count, "already whole")
    if found.hopeless and not count:
        raise next(iter(found.hopeless.values()))
    if found.damaged and not count:
        (first, *_) = found.scans.items()
        what = f"not one message of it can be read ({first[1].torn}); it stays as it is"
        raise corrupt(bag, first[0].name, what)
    why = (
        _mend(found, set() if not keep_original else set(paths) - set(unpacked))
        or f"metadata.yaml was written anew: {wrong.removeprefix('metadata.yaml: ')}"
    )
    if found.unsure or not _all_there(bag, found.files):
        _write(bag / FILE_NAME, _manifest(bag, found.files, why, manifest).to_json())
    if not _describe(bag, found.files):
        raise corrupt(bag, "after repair", f"not all of its {count} messages can be read ({why})")
    return RepairReport(bag, True, count, why)


def _write(path: Path, text: str) -> None:
    """A file of the bag's own, in the place of whatever has its name: a link leads out of the bag, a pipe nowhere."""
    try:
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise write_failed(path, f"cannot be written: {error.strerror}") from error


def _describe(bag: Path, files: Sequence[StoredFile]) -> bool:
    """Write metadata.yaml; whether all messages can be read by it, with the compression that it named or another."""
    before = _before(bag)
    for compression in ({}, {"mode": "", "format": ""}, {"mode": "MESSAGE", "format": "zstd"}):
        known = before | {f"compression_{name}": value for name, value in compression.items()}
        _write(bag / "metadata.yaml", yaml.safe_dump(metadata(files, known), sort_keys=False))
        if not _what_is_wrong(bag, files):
            return True
    return False


def _mend(found: _Bag, keep: Collection[Path]) -> str:
    """Close what is torn, write anew what cannot be read as it is, put aside what is hopeless; says what was done.

    Of the files in `keep` the original stays.
    """
    notes = []
    for path, error in found.hopeless.items():
        aside = _free_name(path)
        path.rename(aside)
        notes.append(f"{path.name}: {error.text}; it is {aside.name} now")
    for path, scanned in found.scans.items():
        said = [text for text in (scanned.torn, scanned.unreadable) if text]
        said += [f"a message in the chunk at byte {place} is damaged" for place in scanned.unsure]
        cut = scanned.size - scanned.data_end if scanned.torn else 0
        kept = bool(path in keep and (cut or scanned.unsure))
        if kept:
            said.append(_keep(path))
        forget_checksums(path, scanned)
        if scanned.torn:
            close_torn(path, scanned)
        if scanned.unreadable or not _readable(path, scanned):
            said.append(_written_anew(path, path in keep and not kept))
        notes += [f"{path.name}: {'; '.join(said)}"] if said else []
    return "; ".join(notes)


def _readable(path: Path, scanned: Scan) -> bool:
    """Whether a reader that goes by the index of the file finds all of its messages."""
    try:
        return readable_counts(path) == +totals([from_scan(path, scanned)])
    except Exception:  # whatever the reader meets, the answer is no
        return False


def _keep(path: Path) -> str:
    """Keep the file as it is beside itself, before something of it goes; says so."""
    aside = _free_name(path)
    part = aside.with_name(aside.name + ".part")
    try:
        shutil.copy2(path, part)
    except OSError as error:
        part.unlink(missing_ok=True)
        needed, free = size(path.stat().st_size), size(shutil.disk_usage(path.parent).free)
        what = f"{needed} are needed to keep the original of {path.name}, {free} are free"
        raise write_failed(
            path.parent, f"{what}: {error.strerror}", "make room, then repair again"
        ) from error
    part.replace(aside)
    return f"the original is kept as {aside.name}"


def _written_anew(path: Path, keep_original: bool) -> str:
    """Replace a file by one with the same messages and a new index."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        rewrite(path, part)
    except Exception as error:  # damaged bytes lead the reader to any exception
        part.unlink(missing_ok=True)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise corrupt(path, "records", f"they cannot be written anew: {what}") from error
    kept = ""
    if keep_original:
        aside = _free_name(path)
        path.rename(aside)
        kept = f", the original is kept as {aside.name}"
    part.replace(path)
    return f"its messages were written anew with an index{kept}"


def _free_name(path: Path) -> Path:
    """NAME.damaged, or NAME.damaged-2 and so on: nothing is overwritten."""
    name = path.with_name(f"{path.name}.damaged")
    number = 2
    while name.exists():
        name = path.with_name(f"{path.name}.damaged-{number}")
        number += 1
    return name


def _what_is_wrong(bag: Path, files: Sequence[StoredFile]) -> str:
    """Why reading the bag does not give every message that is in its files; empty when it does."""
    try:
        found, held = count_messages(bag), +totals(files)
    except DataError as error:
        return error.text.removeprefix(str(bag)).lstrip(",: ")
    return "" if found == held else f"by it {found.total()} messages could be read, of {held.total()}"


def _before(bag: Path) -> dict[str, Any]:
    """What metadata.yaml says that the files do not; empty when it cannot be read."""
    try:
        told = load_config_mapping(bag / "metadata.yaml")
        told = dict(told["rosbag2_bagfile_information"])
    except (ConfigError, KeyError, TypeError, ValueError):
        return {}
    if str(told.get("compression_mode") or "").lower() not in _MODES:
        told["compression_mode"] = told["compression_format"] = ""
    return told


def _all_there(bag: Path, files: Sequence[StoredFile]) -> bool:
    """Whether the manifest is of a finished episode, and the bag holds what it says."""
    if not (bag / FILE_NAME).is_file():
        return False
    known, found = load(bag), totals(files)
    counted = {topic: count for topic, count in known.message_counts.items() if count}
    return known.complete and bool(counted) and {**found, **counted} == found


def _manifest(bag: Path, files: Sequence[StoredFile], why: str, base: Manifest | None) -> Manifest:
    known = base or (load(bag) if (bag / FILE_NAME).is_file() else Manifest(task="", robot=""))
    first, last = span(files)
    return replace(
        known,
        outcome="unknown",
        complete=False,
        reason=f"recovered: {why}",
        start_ns=first,
        duration_s=(last - first) / 1e9,
        message_counts=dict(totals(files)),
    )
