"""Read one episode's bag: messages with their stamps, every failure as a `DataError` naming the file."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mcap.reader import make_reader
from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.storage_mcap import McapReader
from rosbags.typesys.store import Typestore

from segue_core.contracts.base import load_mapping
from segue_core.errors import ConfigError, DataError
from segue_core.files import read_config
from segue_data.bags.definitions import recorded_types, typestore
from segue_data.bags.manifest import FILE_NAME, load
from segue_data.bags.namespaces import namespace_of, plain_names
from segue_data.bags.remembered_yaml import remember
from segue_data.bags.stored import STORAGES, cut_or_foreign, files_of, packed_of, unpacked_name
from segue_data.errors import corrupt, missing, must_exist, spoiled

NANOSECONDS = 1_000_000_000
_ZSTD = b"\x28\xb5\x2f\xfd"  # how what zstd compressed begins; a serialised message begins with 0
remember()


@dataclass(frozen=True)
class Record:
    """One message: bag, topic, log time [ns], CDR bytes, its type, and where the bag's types are defined."""

    bag: Path
    topic: str
    log_ns: int
    data: bytes
    type_name: str
    types: Typestore

    def message(self) -> Any:
        """The decoded message (a `rosbags` object, ROS field names); DataError if it does not decode."""
        try:
            return self.types.deserialize_cdr(self.data, self.type_name)
        except Exception as error:  # the decoder meets damaged bytes with whatever they lead to
            place = f"{self.topic} at {self.log_ns} ns"
            raise spoiled(self.bag, place, f"{self.type_name}: {type(error).__name__}: {error}") from error


def stamp_ns(header: Any) -> int:
    """Nanoseconds of a std_msgs/Header."""
    return int(header.stamp.sec) * NANOSECONDS + int(header.stamp.nanosec)


def first_stamp_ns(data: bytes) -> int:
    """Nanoseconds of the stamp that a serialised message (CDR) begins with: its header's, or what /clock says."""
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(seconds) * NANOSECONDS + int(nanoseconds)


@lru_cache(8)
def _refuse_no_mapping(text: bytes, source: str) -> None:
    load_mapping(text, source)


def _open(bag: Path) -> Reader:
    must_exist(bag)
    if not (bag / "metadata.yaml").is_file():
        do = f"try `segue data repair {bag}`: its recorder may have been killed"
        raise missing(bag, "no metadata.yaml: not a finished bag", do)
    try:
        _refuse_no_mapping(read_config(bag / "metadata.yaml"), str(bag / "metadata.yaml"))
    except ConfigError as error:
        raise corrupt(
            bag, "metadata.yaml", f"{error.text} (`segue data repair {bag}` writes it anew)"
        ) from error
    for file in sorted(bag.iterdir()):
        if file.suffix in STORAGES and not file.is_file():
            raise corrupt(bag, file.name, "is no file")
    reader = Reader(bag)
    reader.open()
    try:
        _refuse_other_files(bag, reader)
    except DataError:
        reader.close()
        raise
    return reader


def _refuse_other_files(bag: Path, reader: Reader) -> None:
    """metadata.yaml and the files must agree: the reader leaves out, silently, what it does not describe."""
    storages: list[Any] = reader.storage.storages  # type: ignore[attr-defined]
    known = {path.name for path in (Path(storage.path) for storage in storages)}
    there = {path.name: path.name for path in files_of(bag)} | {
        p.name: unpacked_name(p) for p in packed_of(bag)
    }
    if other := [file for file, plain in there.items() if plain not in known]:
        raise _other(bag, f"does not name {other[0]}, which lies beside it")
    held = _held(reader)
    told: Counter[str] = Counter()
    for link in reader.connections:
        told[link.topic] += link.msgcount
    for topic in sorted({*held, *told}):
        if held[topic] != told[topic]:
            raise _other(bag, f"says {told[topic]} messages of {topic}, the files hold {held[topic]}")
    for link in (link for storage in storages for link in storage.connections if link.msgcount):
        if not any(
            (link.topic, link.msgtype, link.ext) == (c.topic, c.msgtype, c.ext) for c in reader.connections
        ):
            raise _other(bag, f"describes {link.topic} otherwise than its file")


def _held(reader: Reader) -> Counter[str]:
    """Messages by topic that the files themselves count."""
    held: Counter[str] = Counter()
    for storage in reader.storage.storages:  # type: ignore[attr-defined]
        for link in storage.connections:
            held[link.topic] += link.msgcount
    return held


def _other(bag: Path, what: str) -> DataError:
    return corrupt(bag, "metadata.yaml", f"it {what}", f"`segue data repair {bag}` writes it anew")


def _damaged(bag: Path, place: str, error: Exception) -> DataError:
    """Damaged bytes, in one line, with what to do about them."""
    if plain := _plainly(bag, str(error)):
        return corrupt(bag, *plain, _keep_whole(bag))
    what = " ".join(f"{type(error).__name__}: {error}".split()).replace("; please report issue.", "")
    return corrupt(bag, place, what, _keep_whole(bag))


def _keep_whole(bag: Path) -> str:
    return f"`segue data repair {bag}` keeps what is whole"


def _plainly(bag: Path, said: str) -> tuple[str, str] | None:
    """File and what is wrong with it, where the reader's words `said` or the file itself make that plain."""
    if key := re.search(r"metadata key is missing.*?'(\w+)'", said):
        return "metadata.yaml", f"it has no `{key[1]}`"
    if plugin := re.search(r"Storage plugin '(.*?)'.* not supported", said):
        allowed = ", ".join(sorted(set(STORAGES.values())))
        return "metadata.yaml", f"storage_identifier is {plugin[1]!r}, allowed: {allowed}"
    if other := re.search(r"Compression format (.*?) is not supported", said):
        return "metadata.yaml", f"compression_format is {other[1]}, allowed: 'zstd', or none"
    if absent := re.search(r"database files are missing: \[.*?'([^']*)'\)?[,\]]", said):
        return "metadata.yaml", f"it names {Path(absent[1]).name}, which is not there"
    return next(((file.name, what) for file in files_of(bag) if (what := cut_or_foreign(file))), None)


def _types(connections: Iterable[Connection]) -> Typestore:
    """The definitions in the bag; the workspace's for a bag without any."""
    texts = {c.msgtype: c.msgdef.data for c in connections if c.msgdef.format is MessageDefinitionFormat.MSG}
    complete = all(c.msgtype in texts for c in connections)
    return recorded_types(tuple(sorted(texts.items()))) if texts and complete else typestore()


@contextmanager
def _opened(bag: Path, place: Callable[[], str]) -> Iterator[Reader]:
    """The bag's reader; whatever goes wrong with it is a DataError that says what, and at which `place()`."""
    with ExitStack() as stack:
        try:
            reader = _open(bag)
            stack.callback(reader.close)
            yield reader
        except DataError:
            raise
        except Exception as error:  # damaged bytes lead the reader to any exception, not only its own
            raise _damaged(bag, place(), error) from error


@contextmanager
def _index(bag: Path) -> Iterator[tuple[Reader, list[tuple[str, Connection]]]]:
    """The bag's reader, and its connections that have a plain name (see `namespaces`), each with that."""
    with _opened(bag, lambda: "list of topics") as reader:
        names = _plain_names(bag, reader.connections)
        yield reader, [(names[c.topic], c) for c in reader.connections if c.topic in names]


def topics_of(bag: Path) -> dict[str, str]:
    """Plain name and type of every topic; DataError as `read`."""
    kinds: dict[str, str] = {}
    with _index(bag) as (_, connections):
        kinds |= {name: connection.msgtype for name, connection in connections}
    return kinds


def extent_of(bag: Path) -> tuple[Counter[str], float]:
    """Messages by plain name and seconds from the first to the last, from the bag's index; DataError as `read`."""
    counts, seconds = Counter[str](), 0.0
    with _index(bag) as (reader, connections):
        for name, connection in connections:
            counts[name] += connection.msgcount
        seconds = reader.duration / NANOSECONDS if reader.message_count else 0.0
    return counts, seconds


def _plain_names(bag: Path, connections: Iterable[Connection]) -> Mapping[str, str]:
    topics = [connection.topic for connection in connections]
    told = load(bag).namespace if (bag / FILE_NAME).is_file() else None
    return plain_names(topics, namespace_of(topics, bag) if told is None else told)


def _messages(
    bag: Path, reader: Reader, chosen: Collection[Connection]
) -> Iterator[tuple[Connection, int, bytes]]:
    """Messages of the chosen connections; DataError at the end when there were not as many as the files count."""
    found: Counter[str] = Counter()
    for connection, log_ns, data in reader.messages(chosen) if chosen else ():
        if data[:4] == _ZSTD:
            raise _other(
                bag, f"does not say that messages are compressed, and those of {connection.topic} are"
            )
        yield connection, log_ns, data
        found[connection.topic] += 1
    held = _held(reader)
    if lost := [topic for topic in {c.topic for c in chosen} if held[topic] != found[topic]]:
        what = f"its index counts {held[lost[0]]} messages, {found[lost[0]]} can be read by it"
        raise corrupt(bag, lost[0], what, _keep_whole(bag))


def count_messages(bag: Path) -> Counter[str]:
    """Messages by topic, by the names in the bag, read to the end; DataError as `read`."""
    counts: Counter[str] = Counter()
    with _opened(bag, lambda: f"after message {counts.total()}") as reader:
        for connection, _, _ in _messages(bag, reader, reader.connections):
            counts[connection.topic] += 1
    return counts


def receipt_times(bag: Path, topic: str) -> list[int]:
    """Wall times [ns] when the messages of a topic were received, in the order of `read`; DataError as `read`.

    They are MCAP's publish times. Bags on wall time have the same in both, and SQLite's have only one.
    """
    pairs: list[tuple[int, int]] = []
    with _opened(bag, lambda: f"times of {topic}") as reader:
        names = _plain_names(bag, reader.connections)
        wanted = [c.topic for c in reader.connections if names.get(c.topic) == topic]
        for storage in reader.storage.storages if wanted else ():  # type: ignore[attr-defined]
            if not isinstance(storage, McapReader):
                return [record.log_ns for record in read(bag, frozenset({topic}))]
            with storage.path.open("rb") as file:
                messages = make_reader(file).iter_messages(wanted)
                pairs += [(message.log_time, message.publish_time) for _, _, message in messages]
    return [received for _, received in sorted(pairs, key=lambda pair: pair[0])]


def read(bag: Path, topics: frozenset[str] | None = None) -> Iterator[Record]:
    """Messages of the bag folder `bag` in log order; only `topics` when given.

    Topics are called by their plain names, also when the bag was recorded under a ROS namespace.

    Raises:
        DataError: the bag is missing, not finished, or corrupt (naming the message where reading broke).
    """
    count = 0
    with _opened(bag, lambda: f"after message {count}") as reader:
        names = _plain_names(bag, reader.connections)
        there = [c for c in reader.connections if c.topic in names]
        chosen: list[Connection] = [c for c in there if topics is None or names[c.topic] in topics]
        types = _types(reader.connections)
        for connection, log_ns, data in _messages(bag, reader, chosen):
            yield Record(bag, names[connection.topic], log_ns, bytes(data), connection.msgtype, types)
            count += 1
