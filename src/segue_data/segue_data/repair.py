"""Bring back the episode that a killed recorder left open, or a damaged bag, up to its last whole chunk."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from segue_core.errors import DataError
from segue_data.bag_folders import recordings
from segue_data.definitions import typestore
from segue_data.errors import exists, missing
from segue_data.folder_lock import FolderLock
from segue_data.manifest import BAG_VERSION, FILE_NAME, RECORDING, Manifest, load
from segue_data.mcap_index import close_torn
from segue_data.mcap_scan import Scan, scan

_MAGIC = b"\x89MCAP0\r\n"
_MORE_THAN_A_CHUNK = 2 * 2**20  # recorders close a chunk at 1 MiB, with a picture more in it at most
_HEADER_BYTES = 32  # magic and the header record that every file begins with need more


@dataclass(frozen=True)
class RepairReport:
    """`changed` is False when the bag was whole already (repairing twice changes nothing)."""

    bag: Path
    changed: bool
    messages: int
    why: str


def _topics(scanned: Scan) -> list[dict[str, Any]]:
    counts = scanned.counts()
    return [
        {
            "topic_metadata": {
                "name": channel.topic,
                "type": scanned.schemas[channel.schema_id].name,
                "serialization_format": channel.message_encoding,
                "offered_qos_profiles": yaml.safe_load(channel.metadata.get("offered_qos_profiles", "[]"))
                or [],
                "type_description_hash": _type_hash(scanned.schemas[channel.schema_id].name),
            },
            "message_count": counts[channel.id],
        }
        for channel in scanned.channels.values()
    ]


def _type_hash(name: str) -> str:
    store = typestore()
    return str(store.hash_rihs01(name)) if name in store.fielddefs else ""


def _metadata(scanned: Scan, file: Path) -> dict[str, Any]:
    first, last = scanned.times()
    span = {
        "duration": {"nanoseconds": last - first},
        "starting_time": {"nanoseconds_since_epoch": first},
        "message_count": sum(scanned.counts().values()),
    }
    information = {
        "version": BAG_VERSION,
        "storage_identifier": "mcap",
        "relative_file_paths": [file.name],
        **span,
        "topics_with_message_count": _topics(scanned),
        "compression_format": "",
        "compression_mode": "",
        "files": [{"path": file.name, **copy.deepcopy(span)}],
        "custom_data": None,
        "ros_distro": "rosbags",
    }
    return {"rosbag2_bagfile_information": information}


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _manifest(bag: Path, scanned: Scan, why: str, base: Manifest | None) -> Manifest:
    known = base or (load(bag) if (bag / FILE_NAME).is_file() else Manifest(task="", robot=""))
    first, last = scanned.times()
    counts = scanned.counts()
    return replace(
        known,
        outcome="unknown",
        complete=False,
        reason=f"recovered: {why}",
        start_ns=first,
        duration_s=(last - first) / 1e9,
        message_counts={channel.topic: counts[channel.id] for channel in scanned.channels.values()},
    )


def repair(bag: Path, manifest: Manifest | None = None) -> RepairReport:
    """Make the bag folder `bag` readable again, in place; idempotent.

    Messages after the last whole chunk are lost: at most one chunk (1 MiB) after a killed recorder. Where more is
    behind a damaged place, the file stays as it was beside the repaired one, as NAME.mcap.damaged. The manifest says
    that the bag is incomplete, unless every message that it counts is there; its other facts come from `manifest`, or
    from the one that is there.

    Raises:
        DataError: no MCAP file is there, there are several and one is damaged, or it does not begin as one.
    """
    files = sorted(bag.glob("*.mcap"))
    if not files:
        raise missing(bag, "no .mcap file, so nothing to save: put it back, or delete the folder")
    scans = [scan(file) for file in files]
    if not any(scanned.torn for scanned in scans) and _is_described(bag, files):
        count = sum(sum(scanned.counts().values()) for scanned in scans)
        return RepairReport(bag, False, count, "already whole")
    if len(files) != 1:
        raise missing(bag, f"expected one .mcap file, got {[file.name for file in files]}")
    (scanned,) = scans
    count = sum(scanned.counts().values())
    why = scanned.torn or "metadata.yaml was missing or damaged"
    if scanned.torn:
        why += _keep_damaged(files[0], scanned)
        close_torn(files[0], scanned)
    if not _all_there(bag, scanned):
        _write(bag / FILE_NAME, _manifest(bag, scanned, why, manifest).to_json())
    _write(bag / "metadata.yaml", yaml.safe_dump(_metadata(scanned, files[0]), sort_keys=False))
    return RepairReport(bag, True, count, why)


def _all_there(bag: Path, scanned: Scan) -> bool:
    """Whether the manifest is of a finished episode, and the bag holds what it says."""
    if not (bag / FILE_NAME).is_file():
        return False
    known, counts = load(bag), scanned.counts()
    found = {channel.topic: counts[channel.id] for channel in scanned.channels.values()}
    return known.complete and bool(known.message_counts) and {**found, **known.message_counts} == found


def _is_described(bag: Path, files: Sequence[Path]) -> bool:
    """Whether metadata.yaml can be read and names these files."""
    try:
        described = yaml.safe_load((bag / "metadata.yaml").read_text(encoding="utf-8"))
        names = described["rosbag2_bagfile_information"]["relative_file_paths"]
        return {Path(name).name for name in names} == {file.name for file in files}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return False


def _keep_damaged(file: Path, scanned: Scan) -> str:
    """A copy of a file with much behind its first damage; says so."""
    whole = scanned.chunks[-1].index_end if scanned.chunks else scanned.header_end
    behind = file.stat().st_size - whole
    if behind <= _MORE_THAN_A_CHUNK:
        return ""
    copy_of = file.with_name(f"{file.name}.damaged")
    shutil.copy2(file, copy_of)
    return f"; {behind / 1e6:.1f} MB behind that are still in {copy_of.name}"


def repair_all(folder: Path) -> tuple[list[RepairReport], list[DataError]]:
    """Repair what recorders left open in `folder`, and every bag at or directly below it that nobody records now.

    Returns:
        A report for every bag, whole ones included, and what is wrong with those that cannot be repaired.

    Raises:
        DataError: there is neither a bag nor an open episode.
    """
    if not folder.is_dir():
        raise missing(folder, "no such folder")
    was_recorded_to = (folder / RECORDING).is_dir()
    reports = repair_open_episodes(folder)
    failures: list[DataError] = []
    opened = {report.bag for report in reports}
    for bag in recordings(folder):
        lock = FolderLock(bag)
        try:
            if lock.held and bag not in opened:  # else it is being recorded, or was repaired just now
                report = repair(bag)
                load(bag)
                reports.append(report)
        except DataError as error:
            failures.append(error)
        finally:
            lock.release()
    if not (reports or failures or was_recorded_to):
        raise missing(folder, "no bag here or one level below")
    return reports, failures


def repair_open_episodes(folder: Path) -> list[RepairReport]:
    """Repair what recorders left in `folder/.recording` and move it to `folder`.

    Episodes that are being recorded right now are left alone; one without a single message is removed.

    Raises:
        DataError: a bag of the same name is there already.
    """
    reports = [_repair_open(bag, folder) for bag in sorted((folder / RECORDING).glob("*")) if bag.is_dir()]
    with suppress(OSError):  # still in use
        (folder / RECORDING).rmdir()
    return [report for report in reports if report is not None]


def _holds_nothing(file: Path) -> bool:
    """Whether the recorder was killed before the first bytes of the file's header had reached the disk."""
    with file.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
    return len(head) < _HEADER_BYTES and _MAGIC[: len(head)] == head[: len(_MAGIC)]


def _repair_open(bag: Path, folder: Path) -> RepairReport | None:
    lock = FolderLock(bag)
    if not lock.held:
        return None
    try:
        if (folder / bag.name).exists():
            raise exists(folder / bag.name)
        report = repair(bag) if any(not _holds_nothing(file) for file in bag.glob("*.mcap")) else None
        if report is None or report.messages == 0:
            shutil.rmtree(bag)
            return None
        bag.replace(folder / bag.name)
        return replace(report, bag=folder / bag.name)
    finally:
        lock.release()
