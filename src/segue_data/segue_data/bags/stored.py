"""What the files of a bag really hold, by themselves: metadata.yaml is compared with it, and written from it."""

from __future__ import annotations

import copy
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.rosbag2 import Reader

from segue_core.contracts.base import load_mapping
from segue_core.errors import ConfigError, DataError
from segue_data.bags.definitions import typestore
from segue_data.bags.manifest import BAG_VERSION
from segue_data.bags.mcap_scan import Scan
from segue_data.errors import corrupt

STORAGES = {".mcap": "mcap", ".db3": "sqlite3"}
_PACKED = (".zstd", ".zst")
MAGICS = {b"\x89MCAP0\r\n": "mcap", b"SQLite f": "sqlite3"}


@dataclass(frozen=True)
class StoredTopic:
    """A topic of a file; `qos` are the offered profiles as rosbag2 writes them into metadata.yaml."""

    name: str
    type_name: str
    encoding: str
    qos: Any
    type_hash: str
    count: int


@dataclass(frozen=True)
class StoredFile:
    """One file of a bag; times are log times [ns], (0, 0) without a message."""

    path: Path
    topics: tuple[StoredTopic, ...]
    times: tuple[int, int]

    @property
    def count(self) -> int:
        """Messages in it."""
        return sum(topic.count for topic in self.topics)


def files_of(bag: Path) -> list[Path]:
    """Files with messages in the folder, in the order of their numbers."""
    found = [path for path in bag.iterdir() if path.is_file() and path.suffix in STORAGES]
    return sorted(
        found, key=lambda path: [int(n) if n.isdigit() else n for n in re.split(r"(\d+)", path.name)]
    )


def packed_of(bag: Path) -> list[Path]:
    """Files of the folder that are compressed as a whole (rosbag2's compression_mode FILE): NAME.mcap.zstd."""
    return sorted(
        path for path in bag.iterdir() if path.suffix in _PACKED and Path(path.stem).suffix in STORAGES
    )


def unpacked_name(path: Path) -> str:
    """What a compressed file is called when it is not: NAME.mcap."""
    return path.stem


def _cannot_be_read(path: Path, error: OSError) -> DataError:
    do = "see whether you may read it and its disk is sound"
    return corrupt(path.parent, path.name, f"it cannot be read: {error.strerror}", do)


def storage_of(path: Path) -> str:
    """`mcap` or `sqlite3`, by how the file begins; else by its name."""
    try:
        with path.open("rb") as file:
            return MAGICS.get(file.read(8), STORAGES[path.suffix])
    except OSError as error:
        raise _cannot_be_read(path, error) from error


def cut_or_foreign(path: Path) -> str:
    """What is plainly wrong with a file of a bag, by its first and last bytes; empty if they are right."""
    try:
        with path.open("rb") as file:
            first = file.read(8)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 8))
            last = file.read()
    except OSError as error:
        raise _cannot_be_read(path, error) from error
    kind = STORAGES[path.suffix]
    if not size:
        return "the file is empty (0 bytes)"
    if MAGICS.get(first) != kind:
        return f"it does not begin as a file of {kind} does"
    if kind == "mcap" and MAGICS.get(last) != kind:
        return f"it does not end as an MCAP file does: cut at {size} bytes, or something was written behind its end"
    return ""


def readable_counts(path: Path) -> Counter[str]:
    """Messages by topic that reading the file by its own index gives; raises what the reader raises."""
    counts: Counter[str] = Counter()
    with Reader(path) as reader:
        for connection, _, _ in reader.messages(reader.connections) if reader.connections else ():
            counts[connection.topic] += 1
    return counts


def from_scan(path: Path, scan: Scan) -> StoredFile:
    """An MCAP file, from its own records."""
    counts = scan.counts()
    topics = []
    for channel in scan.channels.values():
        kind = scan.schemas[channel.schema_id].name if channel.schema_id else ""
        told = channel.metadata.get("topic_type_hash", "")
        qos = _profiles(channel.metadata.get("offered_qos_profiles", "[]"))
        topics.append(
            StoredTopic(
                channel.topic, kind, channel.message_encoding, qos, told or _hash(kind), counts[channel.id]
            )
        )
    return StoredFile(path, tuple(topics), scan.times())


def _profiles(text: str) -> Any:
    """Quality of service as a file tells it; none where that is damaged: no message hangs on it."""
    try:
        found = load_mapping(
            f"profiles: {text}" if text.startswith("[") else f"profiles:\n{text}", "profiles"
        )
    except ConfigError:
        return []
    return found["profiles"] or []


def from_sqlite(path: Path) -> StoredFile:
    """A file of SQLite's; DataError when it cannot be read to its end."""
    try:
        counts = readable_counts(path)
        with Reader(path) as reader:
            times = (reader.start_time, reader.end_time - 1) if sum(counts.values()) else (0, 0)
            topics = tuple(
                StoredTopic(
                    link.topic,
                    link.msgtype,
                    "cdr",
                    [_plain(qos) for qos in link.ext.offered_qos_profiles],  # type: ignore[union-attr]
                    link.digest or _hash(link.msgtype),
                    counts[link.topic],
                )
                for link in reader.connections
            )
    except Exception as error:  # a damaged database leads the reader to any exception
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise corrupt(
            path, "database", f"{what}; SQLite's own `sqlite3 {path.name} .recover` may save some of it"
        ) from error
    return StoredFile(path, topics, times)


def _plain(qos: Any) -> dict[str, Any]:
    """A profile as metadata.yaml of version 9 has it."""
    times = {
        name: {"sec": getattr(qos, name).sec, "nsec": getattr(qos, name).nsec}
        for name in ("deadline", "lifespan", "liveliness_lease_duration")
    }
    words = {
        name: getattr(qos, name).name.lower()
        for name in ("history", "reliability", "durability", "liveliness")
    }
    return {
        **words,
        **times,
        "depth": qos.depth,
        "avoid_ros_namespace_conventions": qos.avoid_ros_namespace_conventions,
    }


def _hash(name: str) -> str:
    store = typestore()
    return str(store.hash_rihs01(name)) if name in store.fielddefs else ""


def totals(files: Sequence[StoredFile]) -> Counter[str]:
    """Messages by topic; a topic without one has an entry, too."""
    counts: Counter[str] = Counter()
    for topic in (topic for file in files for topic in file.topics):
        counts[topic.name] += topic.count
    return counts


def span(files: Sequence[StoredFile]) -> tuple[int, int]:
    """First and last log time [ns] of all files; (0, 0) without a message."""
    times = [file.times for file in files if file.count]
    return (min(first for first, _ in times), max(last for _, last in times)) if times else (0, 0)


def _part(times: tuple[int, int], count: int) -> dict[str, Any]:
    return {
        "duration": {"nanoseconds": times[1] - times[0]},
        "starting_time": {"nanoseconds_since_epoch": times[0]},
        "message_count": count,
    }


def metadata(files: Sequence[StoredFile], before: dict[str, Any]) -> dict[str, Any]:
    """Content of metadata.yaml for `files`; what they do not say is taken from what was there `before`."""
    topics = {(t.name, t.type_name, repr(t.qos)): t for file in files for t in file.topics}
    counts: Counter[tuple[str, str, str]] = Counter()
    for topic in (topic for file in files for topic in file.topics):
        counts[topic.name, topic.type_name, repr(topic.qos)] += topic.count
    information = {
        "version": BAG_VERSION,
        "storage_identifier": storage_of(files[0].path),
        "relative_file_paths": [file.path.name for file in files],
        **_part(span(files), sum(counts.values())),
        "topics_with_message_count": [
            {
                "topic_metadata": {
                    "name": topic.name,
                    "type": topic.type_name,
                    "serialization_format": topic.encoding,
                    "offered_qos_profiles": topic.qos,
                    "type_description_hash": topic.type_hash,
                },
                "message_count": counts[key],
            }
            for key, topic in topics.items()
        ],
        "compression_format": before.get("compression_format") or "",
        "compression_mode": before.get("compression_mode") or "",
        "files": [{"path": file.path.name, **copy.deepcopy(_part(file.times, file.count))} for file in files],
        "custom_data": before.get("custom_data"),
        "ros_distro": before.get("ros_distro") or "rosbags",
    }
    return {"rosbag2_bagfile_information": information}
