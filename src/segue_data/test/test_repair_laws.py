"""Laws of repair: never fewer messages than can be read from the front, the original stays, and no dead ends."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard
from mcap.reader import make_reader
from mcap.records import Channel, Schema
from mcap.writer import CompressionType, IndexType, Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin
from rosbags.rosbag2 import Writer as BagWriter

from segue_core.errors import DataError
from segue_data import cli
from segue_data.bags import manifest
from segue_data.bags.definitions import typestore
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import RECORDING, Manifest
from segue_data.bags.reader import read
from segue_data.bags.repair import repair
from segue_data.recording.stage import Demonstration
from segue_data.testing import TEXT_TOPICS, text_message

FACTS = Manifest(task="none", robot="none", outcome="success")
COUNT = 60


def _numbers(bag: Path) -> list[int]:
    return [int(record.message().data[:6]) for record in read(bag)]


def _written(folder: Path, *, messages: range = range(COUNT), silent: bool = False, **how: Any) -> Path:
    """An MCAP file of numbered texts as another recorder writes it; `how` is for mcap's writer.

    With `silent` the index, and nothing before it, defines a topic without messages.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"{folder.name}_{len(list(folder.glob('*.mcap')))}.mcap"
    definition = typestore().generate_msgdef("std_msgs/msg/String", ros_version=2)[0]
    with path.open("wb") as file:
        writer = Writer(file, **how)
        writer.start(profile="ros2", library="another")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", definition.encode())
        channel = writer.register_channel("/text", "cdr", schema)
        for number in messages:
            writer.add_message(channel, number, text_message(number), number)
        if silent:
            kinds, topics = writer._Writer__schemas, writer._Writer__channels  # type: ignore[attr-defined]
            kinds[2] = Schema(2, definition.encode(), "ros2msg", "std_msgs/msg/String")
            topics[2] = Channel(2, "/silent", "cdr", {}, 2)
        writer.finish()
    return path


WRITERS: dict[str, dict[str, Any]] = {
    "no chunks": {"use_chunking": False, "index_types": IndexType.NONE, "compression": CompressionType.NONE},
    "zstd": {"compression": CompressionType.ZSTD, "chunk_size": 300_000},
    "lz4": {"compression": CompressionType.LZ4, "chunk_size": 300_000},
    "plain": {"compression": CompressionType.NONE, "chunk_size": 300_000},
    "chunks without index": {"index_types": IndexType.NONE, "compression": CompressionType.NONE},
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_whole_file_without_its_metadata_loses_nothing_and_keeps_its_outcome(
    kind: str, tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    _written(bag, **WRITERS[kind])
    counts = {"/text": COUNT, "/nobody_spoke": 0}
    facts = Manifest(task="t", robot="r", outcome="success", message_counts=counts)
    (bag / manifest.FILE_NAME).write_text(facts.to_json())
    assert repair(bag).messages == COUNT
    assert _numbers(bag) == list(range(COUNT))
    assert (manifest.load(bag).outcome, manifest.load(bag).complete) == ("success", True)
    assert not repair(bag).changed


@pytest.mark.parametrize("kind", ["no chunks", "zstd"])
def test_a_topic_without_messages_that_only_the_index_defines_is_no_damage(kind: str, tmp_path: Path) -> None:
    """So rosbag2 writes them, /parameter_events in every bag (docs/adr/0011)."""
    bag = tmp_path / "bag"
    path = _written(bag, silent=True, **WRITERS[kind])
    whole = path.read_bytes()
    assert repair(bag).messages == COUNT and path.read_bytes() == whole
    assert not repair(bag).changed and [file.name for file in bag.glob("*.mcap*")] == [path.name]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("share", [0.3, 0.62, 0.97])
def test_a_torn_file_keeps_all_that_can_be_read_from_the_front_and_its_original(
    kind: str, share: float, tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    path = _written(bag, **WRITERS[kind])
    torn = path.read_bytes()[: int(path.stat().st_size * share)]
    path.write_bytes(torn)
    report = repair(bag)
    numbers = _numbers(bag)
    assert numbers == list(range(len(numbers))) and report.messages == len(numbers)
    packed = "zstd" in kind or "lz4" in kind  # of these, whole chunks at least
    assert len(numbers) >= (0 if packed else int(COUNT * share) - 1)
    assert numbers and path.name in report.why
    assert path.with_name(path.name + ".damaged").read_bytes() == torn
    assert not repair(bag).changed


def test_where_nothing_can_be_kept_repair_fails_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _written(tmp_path / "bag", **WRITERS["no chunks"])
    torn = path.read_bytes()[:30_000]  # in the first message
    path.write_bytes(torn)
    assert cli.main(["repair", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "0 repaired" in told.out and "not one message" in told.err and path.name in told.err
    assert [file.name for file in path.parent.iterdir()] == [path.name] and path.read_bytes() == torn


def test_the_torn_file_of_a_split_bag_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    for first in (0, COUNT, 2 * COUNT):
        path = _written(bag, messages=range(first, first + COUNT), **WRITERS["plain"])
    middle = bag / "bag_1.mcap"
    middle.write_bytes(middle.read_bytes()[:1_500_000])
    report = repair(bag)
    assert "bag_1.mcap: " in report.why and path.name not in report.why
    numbers = _numbers(bag)
    assert numbers[:COUNT] == list(range(COUNT)) and numbers[-COUNT:] == list(range(2 * COUNT, 3 * COUNT))
    assert 2 * COUNT + 30 < len(numbers) < 3 * COUNT
    middle.write_bytes(b"no bag")
    assert "bag_1.mcap.damaged-2" in repair(bag).why
    assert len(_numbers(bag)) == 2 * COUNT


def _text_bag(folder: Path) -> Path:
    writer = EpisodeWriter(folder, TEXT_TOPICS, wait=True)
    for number in range(COUNT):
        writer.write("/text", number, text_message(number))
    return writer.finish(FACTS)


def _mcap(bag: Path) -> Path:
    return next(bag.glob("*.mcap"))


def _edit(bag: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = bag / "metadata.yaml"
    told = yaml.safe_load(path.read_text())
    change(told["rosbag2_bagfile_information"])
    path.write_text(yaml.safe_dump(told))


def _append(data: bytes) -> Callable[[Path], object]:
    return lambda bag: _mcap(bag).write_bytes(_mcap(bag).read_bytes() + data)


def _cut(count: int) -> Callable[[Path], object]:
    return lambda bag: _mcap(bag).write_bytes(_mcap(bag).read_bytes()[:-count])


def _lengthen(said: dict[str, Any]) -> None:
    said["topics_with_message_count"][0]["message_count"] += 5


def _rename_topic(said: dict[str, Any]) -> None:
    said["topics_with_message_count"][0]["topic_metadata"]["name"] = "/texr"


def _other_qos(said: dict[str, Any]) -> None:
    said["topics_with_message_count"][0]["topic_metadata"]["offered_qos_profiles"][0]["depth"] = 3


WHOLE: dict[str, Callable[[Path], object]] = {
    "one byte behind": _append(b"\n"),
    "bytes behind": _append(b"\x00" * 4096),
    "text behind": _append(b"abc" * 50),
    "cut in the closing magic": _cut(3),
    "cut in the footer": _cut(20),
    "cut in the index": _cut(90),
    "storage identifier empty": lambda bag: _edit(bag, lambda said: said.update(storage_identifier="")),
    "storage identifier unknown": lambda bag: _edit(
        bag, lambda said: said.update(storage_identifier="sqlite3")
    ),
    "topic left out": lambda bag: _edit(bag, lambda said: said["topics_with_message_count"].clear()),
    "topic of another name": lambda bag: _edit(bag, _rename_topic),
    "other offers": lambda bag: _edit(bag, _other_qos),
    "other counts": lambda bag: _edit(bag, _lengthen),
    "other file": lambda bag: _edit(bag, lambda said: said.update(relative_file_paths=["gone.mcap"])),
    "no file": lambda bag: _edit(bag, lambda said: said.update(relative_file_paths=[])),
    "compression that is none": lambda bag: _edit(bag, lambda said: said.update(compression_mode="message")),
    "no mapping": lambda bag: (bag / "metadata.yaml").write_text("[]\n"),
    "empty metadata": lambda bag: (bag / "metadata.yaml").write_text(""),
}


@pytest.mark.parametrize("damage", WHOLE)
def test_what_reading_refuses_repair_mends_and_nothing_is_lost_silently(damage: str, tmp_path: Path) -> None:
    bag = _text_bag(tmp_path / "bag")
    WHOLE[damage](bag)
    with pytest.raises(DataError, match="segue data repair"):
        list(read(bag))
    report = repair(bag)
    assert report.changed and report.messages == COUNT
    assert _numbers(bag) == list(range(COUNT))
    facts = manifest.load(bag)
    assert facts.complete and facts.outcome == "success" and facts.message_counts == {"/text": COUNT}
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    assert not repair(bag).changed
    assert before == {path.name: path.read_bytes() for path in bag.iterdir()}


def test_a_flipped_bit_in_the_index_at_the_end_loses_nothing_silently(tmp_path: Path) -> None:
    whole = _text_bag(tmp_path / "whole")
    data = _mcap(whole).read_bytes()
    start = data.rindex(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")
    refused = 0
    for place in range(start, len(data), 37):
        bag = tmp_path / f"bag_{place}"
        shutil.copytree(whole, bag)
        flipped = bytearray(data)
        flipped[place] ^= 0x10
        _mcap(bag).write_bytes(flipped)
        try:
            assert _numbers(bag) == list(range(COUNT))
        except DataError:
            refused += 1
        repair(bag)
        assert _numbers(bag) == list(range(COUNT)), place
    assert refused


def test_messages_beside_chunks_are_kept(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    chunked = _written(bag, messages=range(30), **WRITERS["plain"])
    loose = _written(bag, messages=range(30, COUNT), **WRITERS["no chunks"])
    with _Both(chunked, loose) as both:
        both.replace(chunked)
    loose.unlink()
    assert repair(bag).messages == COUNT
    assert _numbers(bag) == list(range(COUNT))


class _Both:
    """The data records of two files in one that ends as if power was lost."""

    def __init__(self, first: Path, second: Path) -> None:
        self.path = first.with_suffix(".both")
        self.path.write_bytes(_data(first) + _data(second)[8:])

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def _data(path: Path) -> bytes:
    """The file up to DataEnd, without a second header record."""
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    data = path.read_bytes()
    return data[: data.rindex(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")]


def test_an_sqlite_bag_with_an_empty_storage_identifier_is_mended(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    with BagWriter(bag, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        link = writer.add_connection("/text", "std_msgs/msg/String", typestore=typestore())
        for number in range(5):
            writer.write(link, number, text_message(number))
    (bag / manifest.FILE_NAME).write_text(
        json.dumps({"task": "t", "robot": "r", "message_counts": {"/text": 5}})
    )
    _edit(bag, lambda said: said.update(storage_identifier="", topics_with_message_count=[]))
    assert cli.main(["repair", str(tmp_path)]) == 0
    assert _numbers(bag) == list(range(5)) and manifest.load(bag).complete


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda told: told.update(storage_identifier=""), "storage_identifier is ''"),
        (lambda told: told["topics_with_message_count"].clear(), "0 messages of /text"),
        (lambda told: told.update(version=99), "version 99"),
        (lambda told: told.update(relative_file_paths=["other.mcap"]), "other.mcap"),
    ],
)
def test_repair_says_what_was_wrong_with_the_metadata(
    change: Callable[[dict[str, Any]], object], says: str, tmp_path: Path
) -> None:
    bag = _text_bag(tmp_path / "bag")
    _edit(bag, change)
    report = repair(bag)
    assert report.messages == COUNT and says in report.why and str(bag) + "," not in report.why
    assert manifest.load(bag).outcome == "success" and _numbers(bag) == list(range(COUNT))


def test_a_split_file_that_metadata_leaves_out_is_not_left_out(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    for first in (0, COUNT):
        _written(bag, messages=range(first, first + COUNT), **WRITERS["plain"])
    repair(bag)
    _edit(bag, lambda said: said["relative_file_paths"].pop())
    with pytest.raises(DataError, match=r"bag_1\.mcap"):
        list(read(bag))
    assert repair(bag).messages == 2 * COUNT


def test_repair_keeps_every_message_of_a_real_episode(
    recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    shutil.copytree(recorded[0], bag)
    before = Counter(record.topic for record in read(bag))
    (bag / "metadata.yaml").unlink()
    repair(bag)
    assert Counter(record.topic for record in read(bag)) == before


def _pack(path: Path, share: float = 1.0) -> Path:
    """Compress the file as rosbag2 does with compression_mode FILE, and cut it."""
    packed = path.with_name(path.name + ".zstd")
    data = zstandard.ZstdCompressor().compress(path.read_bytes())
    packed.write_bytes(data[: int(len(data) * share)])
    path.unlink()
    return packed


def _packed_bag(folder: Path) -> Path:
    """A whole bag with a compressed file, as rosbag2 closes it."""
    path = _written(folder, **WRITERS["plain"])
    repair(folder)
    packed = _pack(path)
    told = yaml.safe_load((folder / "metadata.yaml").read_text())
    told["rosbag2_bagfile_information"] |= {"compression_mode": "FILE", "compression_format": "zstd"}
    told["rosbag2_bagfile_information"]["relative_file_paths"] = [packed.name]
    (folder / "metadata.yaml").write_text(yaml.safe_dump(told))
    (folder / manifest.FILE_NAME).write_text(FACTS.to_json())
    return packed


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_whole_bag_of_compressed_files_is_read_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _packed_bag(tmp_path / "bag")
    before = _contents(tmp_path / "bag")
    assert cli.main(["repair", str(tmp_path)]) == 0
    assert "0 repaired, 1 whole already, 0 not repaired" in capsys.readouterr().out
    assert _numbers(tmp_path / "bag") == list(range(COUNT)) and _contents(tmp_path / "bag") == before


def _compressed_one_by_one(source: Path, folder: Path, storage: StoragePlugin) -> None:
    """The same bag with compression_mode MESSAGE, as `ros2 bag record --compression-mode message` writes it."""
    writer = BagWriter(folder, version=9, storage_plugin=storage)
    writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    with Reader(source) as reader, writer:
        (link,) = reader.connections
        to = writer.add_connection(link.topic, link.msgtype, msgdef=link.msgdef.data, rihs01=link.digest)
        for _, log_ns, data in reader.messages():
            writer.write(to, log_ns, data)
    shutil.copy(source / manifest.FILE_NAME, folder)


@pytest.mark.parametrize("storage", StoragePlugin)
@pytest.mark.parametrize("told", ["nothing", "no compression", "all"])
def test_messages_that_are_compressed_one_by_one_stay_readable(
    told: str, storage: StoragePlugin, tmp_path: Path
) -> None:
    """Without metadata.yaml they were called repaired, and read as bytes that mean nothing."""
    bag = tmp_path / "bag"
    _compressed_one_by_one(_text_bag(tmp_path / "plain"), bag, storage)
    if told == "nothing":
        (bag / "metadata.yaml").unlink()
    if told == "no compression":
        _edit(bag, lambda said: said.update(compression_mode="", compression_format=""))
        with pytest.raises(DataError, match=r"does not say that messages are compressed.*segue data repair"):
            list(read(bag))
    assert repair(bag).changed == (told != "all")
    assert _numbers(bag) == list(range(COUNT)) and not repair(bag).changed
    assert manifest.load(bag).complete


@pytest.mark.parametrize("share", [0.3, 0.62, 1.0])
@pytest.mark.parametrize("described", [True, False])
def test_a_compressed_file_keeps_all_that_can_be_read_from_the_front_and_its_original(
    described: bool, share: float, tmp_path: Path
) -> None:
    """Folders with nothing but compressed files were passed over without a word."""
    bag = tmp_path / "bag"
    packed = _packed_bag(bag)
    torn = packed.read_bytes()[: int(packed.stat().st_size * share)]
    packed.write_bytes(torn)
    if not described:
        (bag / "metadata.yaml").unlink()
    whole = share == 1.0
    assert cli.main(["repair", str(bag)]) == 0
    numbers = _numbers(bag)
    assert numbers == list(range(len(numbers))) and len(numbers) >= int(COUNT * share) - 5
    assert whole == (len(numbers) == COUNT)
    aside = bag / f"{packed.name}.damaged"
    assert (aside.read_bytes() == torn) if not whole else not aside.exists()
    assert packed.exists() == (whole and described)
    assert not repair(bag).changed


def test_a_recorder_that_was_killed_between_compressed_files_loses_none_of_them(tmp_path: Path) -> None:
    """rosbag2 compresses every file but the one that it writes; what it was just compressing lies there twice."""
    bag = tmp_path / "bag"
    _pack(_written(bag, messages=range(20), **WRITERS["plain"]))
    for number, messages in ((1, range(20, 40)), (2, range(40, 60))):
        _written(tmp_path / "made", messages=messages, **WRITERS["plain"]).rename(bag / f"bag_{number}.mcap")
    half = zstandard.ZstdCompressor().compress((bag / "bag_1.mcap").read_bytes())[:2000]
    (bag / "bag_1.mcap.zstd").write_bytes(half)
    last = bag / "bag_2.mcap"
    last.write_bytes(last.read_bytes()[:-3000])
    report = repair(bag)
    assert _numbers(bag) == list(range(report.messages)) and report.messages >= 55
    assert "bag_0.mcap.zstd: unpacked" in report.why and "bag_2.mcap" in report.why
    assert not repair(bag).changed


def test_compressed_files_of_which_nothing_can_be_read_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = _packed_bag(tmp_path / "bag")
    packed.write_bytes(packed.read_bytes()[:40])
    before = _contents(tmp_path / "bag")
    assert cli.main(["repair", str(tmp_path)]) == 1
    assert "bag_0.mcap" in capsys.readouterr().err and _contents(tmp_path / "bag") == before


def test_a_bag_compressed_otherwise_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = _packed_bag(tmp_path / "bag")
    packed.rename(packed.with_name("bag_0.mcap.lz4"))
    assert cli.main(["repair", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "bag_0.mcap.lz4" in told.err and "ros2 bag convert" in told.err and "1 not repaired" in told.out


@pytest.mark.parametrize("name", ["metadata.yaml", manifest.FILE_NAME])
def test_repair_writes_into_the_bag_alone_wherever_the_names_in_it_lead(name: str, tmp_path: Path) -> None:
    outside, bag = tmp_path / "outside.txt", tmp_path / "bag"
    mine = FACTS.to_json() if name == manifest.FILE_NAME else "mine"
    outside.write_text(mine)
    path = _written(bag)
    path.write_bytes(path.read_bytes()[:-40])
    (bag / name).symlink_to(outside)
    assert repair(bag).changed
    assert outside.read_text() == mine and _numbers(bag) == list(range(COUNT))


@pytest.mark.parametrize("kind", ["a pipe", "a loop", "a folder"])
def test_repair_waits_for_nothing_that_stands_where_the_description_belongs(
    kind: str, tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    _written(bag)
    place = bag / "metadata.yaml"
    {"a pipe": os.mkfifo, "a loop": lambda path: path.symlink_to(path.name), "a folder": os.mkdir}[kind](
        place
    )
    if kind == "a folder":
        with pytest.raises(DataError, match="metadata.yaml"):
            repair(bag)
        return
    repair(bag)
    assert _numbers(bag) == list(range(COUNT))


def test_a_file_that_the_disk_does_not_give_is_an_error_that_names_it(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    path = _written(bag)
    repair(bag)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # reading its beginning fails as on a damaged disk
    for read_it in (lambda: list(read(bag)), lambda: repair(bag)):
        with pytest.raises(DataError, match="Input/output error"):
            read_it()


def _precious(tmp_path: Path) -> Path:
    """Folders of somebody else's, with a file in one of them."""
    folder = tmp_path / "precious"
    (folder / "letters").mkdir(parents=True)
    (folder / "letters" / "a.txt").write_text("dear")
    (folder / "empty").mkdir()
    return folder


@pytest.mark.parametrize("where", [RECORDING, f"{RECORDING}/episode"])
def test_what_a_link_among_open_episodes_leads_to_is_left_alone_and_the_link_is_named(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious, link = _precious(tmp_path), tmp_path / "recorded" / where
    link.parent.mkdir(parents=True)
    link.symlink_to(precious if where == RECORDING else precious / "letters")
    assert cli.main(["repair", str(tmp_path / "recorded")]) != 0
    assert f"{link.name}: a link, to {precious}" in capsys.readouterr().err.replace("\n", " ")
    assert (precious / "letters" / "a.txt").read_text() == "dear" and (precious / "empty").is_dir()


@pytest.mark.parametrize("where", [RECORDING, f"{RECORDING}/episode"])
def test_check_lists_nothing_that_a_link_among_open_episodes_leads_to(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious, link = tmp_path / "precious", tmp_path / "recorded" / where
    precious.mkdir()
    _written(precious / "letters")
    repair(precious / "letters")
    link.parent.mkdir(parents=True)
    link.symlink_to(precious if where == RECORDING else precious / "letters")
    assert cli.main(["check", str(tmp_path / "recorded")]) == 1
    told = capsys.readouterr().out.replace("\n", " ")
    assert f"{link.name}: a link, to {precious}" in told and "1 bag checked, 1 with problems" in told


def test_a_link_to_a_bag_where_open_episodes_are_is_no_bag(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    _written(bag)
    repair(bag)
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded" / RECORDING).symlink_to(bag)
    with pytest.raises(DataError, match="no bag"):
        find_bags(tmp_path / "recorded")


def test_a_folder_among_open_episodes_that_holds_anything_else_is_never_removed(tmp_path: Path) -> None:
    place = tmp_path / RECORDING
    place.mkdir()
    _precious(place)
    (place / "precious").rename(place / "episode")
    cli.main(["repair", str(tmp_path)])
    assert next(tmp_path.rglob("a.txt")).read_text() == "dear"
