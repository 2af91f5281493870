"""Laws of the recording session, which the recorder node only wraps."""

from __future__ import annotations

import resource
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from segue_core.errors import DataError, ErrorCode
from segue_data.bags import manifest
from segue_data.bags.definitions import typestore
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import RECORDING, Manifest, load
from segue_data.bags.reader import read
from segue_data.bags.repair_all import repair_open_episodes
from segue_data.bags.topic import Topic
from segue_data.recording.compression import COMPRESSED, compress_image
from segue_data.recording.session import RecordingSession

TEXT = {"/text": Topic("std_msgs/msg/String")}
FACTS = Manifest(task="", robot="dual_arm")


def _hello() -> bytes:
    kind = typestore().types["std_msgs/msg/String"]
    return bytes(typestore().serialize_cdr(kind("hello"), "std_msgs/msg/String"))


def _session(root: Path, events: list[str], min_free_bytes: int = 1) -> RecordingSession:
    return RecordingSession(root, TEXT, FACTS, min_free_bytes=min_free_bytes, on_event=events.append)


def _code(error: pytest.ExceptionInfo[DataError]) -> ErrorCode:
    assert error.value.text
    return error.value.code


def test_an_episode_is_where_start_said_and_says_how_it_ended(tmp_path: Path) -> None:
    session = _session(tmp_path, [])
    folder = session.start("one", "pick_place", 4)
    session.write("/text", 1, _hello())
    closed = session.stop("cancelled")
    assert closed.folder == folder == tmp_path / "one"
    assert (closed.messages, closed.lost) == (1, 0)
    facts = manifest.load(folder)
    assert (facts.task, facts.seed, facts.outcome, facts.reason) == ("pick_place", 4, "unknown", "cancelled")


def test_a_latched_message_begins_every_episode(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, TEXT, FACTS, min_free_bytes=1, latched=TEXT, on_event=print)
    session.write("/text", 1, _hello())
    for name in ("one", "two"):
        folder = session.start(name, "t", 0)
        session.stop("success")
        assert [record.message().data for record in read(folder)] == ["hello"]


def test_what_was_said_once_just_before_a_start_and_is_looked_at_after_it_is_logged_at_the_start(
    tmp_path: Path,
) -> None:
    session = RecordingSession(tmp_path, TEXT, FACTS, min_free_bytes=1, latched=TEXT, on_event=print)
    session.write("/text", 1, _hello())
    folder = session.start("one", "t", 0, log_ns=7)
    session.write("/text", 6, _hello())
    session.write("/text", 8, _hello())
    session.stop("success")
    assert [record.log_ns for record in read(folder)] == [7, 7, 8]


def test_messages_outside_an_episode_are_not_recorded(tmp_path: Path) -> None:
    session = _session(tmp_path, [])
    session.write("/text", 1, _hello())
    folder = session.start("one", "t", 0)
    session.stop("success")
    session.write("/text", 2, _hello())
    assert list(read(folder)) == []


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "/abs", "..", "new\nline", "x" * 200])
def test_a_name_never_leads_out_of_the_root(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _session(tmp_path / "root", []).start(name, "t", 0)
    assert _code(caught) == ErrorCode.DATA_PATH_REFUSED
    assert [path.name for path in tmp_path.rglob("*")] == ["root"]


def test_start_and_stop_out_of_turn_are_refused(tmp_path: Path) -> None:
    session = _session(tmp_path, [])
    with pytest.raises(DataError) as idle:
        session.stop("success")
    session.start("one", "t", 0)
    with pytest.raises(DataError) as busy:
        session.start("two", "t", 0)
    session.stop("success", discard=True)
    assert (_code(idle), _code(busy)) == (ErrorCode.DATA_NOT_RECORDING, ErrorCode.DATA_RECORDING_ACTIVE)
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _session(tmp_path, [], min_free_bytes=2**62).start("one", "t", 0)
    assert _code(caught) == ErrorCode.DATA_DISK


def test_a_disk_that_fills_up_closes_the_episode_with_one_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    session = _session(tmp_path, events)
    session.start("one", "t", 0)
    session.write("/text", 1, _hello())
    monkeypatch.setattr(session, "_min_free", 2**62)
    session.guard_disk()
    session.guard_disk()
    with pytest.raises(DataError) as caught:
        session.stop("success")
    assert _code(caught) == ErrorCode.DATA_DISK and len(events) == 1
    assert len(list(read(tmp_path / "one"))) == 1
    facts = load(tmp_path / "one")
    assert not facts.complete and "disk nearly full" in facts.reason


@contextmanager
def _full_disk() -> Iterator[None]:
    """No file of this process can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _fail_a_write(session: RecordingSession) -> None:
    with _full_disk():
        session.write("/text", 1, _hello())
        while not session.failure:
            time.sleep(0.001)


def _ends_as_a_full_disk(session: RecordingSession) -> None:
    with pytest.raises(DataError) as caught:
        session.stop("success")
    assert _code(caught) == ErrorCode.DATA_DISK


def test_a_write_that_fails_before_the_room_is_looked_at_is_the_one_event_of_its_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    session = _session(tmp_path, events)
    session.start("one", "t", 0)
    _fail_a_write(session)
    with monkeypatch.context() as full:
        full.setattr(session, "_min_free", 2**62)
        session.guard_disk()
        assert len(events) == 1 and "File too large" in events[0]
        _ends_as_a_full_disk(session)
        with pytest.raises(DataError, match="too little space"):
            session.start("two", "t", 0)
    assert len(events) == 1 and not load(tmp_path / "one").complete
    session.start("three", "t", 0)
    _fail_a_write(session)
    _ends_as_a_full_disk(session)
    assert len(events) == 2 and events[0] != events[1]


def test_a_write_that_fails_while_a_disk_nearly_full_closes_the_episode_is_no_second_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    told = threading.Event()

    def late(data: bytes) -> bytes:
        told.wait()
        return data

    def tell(text: str) -> None:
        events.append(text)
        told.set()

    topics = {"/text": replace(TEXT["/text"], transform=late)}
    session = RecordingSession(tmp_path, topics, FACTS, min_free_bytes=1, on_event=tell)
    session.start("one", "t", 0)
    session.write("/text", 1, _hello())
    monkeypatch.setattr(session, "_min_free", 2**62)
    with _full_disk():
        session.guard_disk()
    assert len(events) == 1 and "disk nearly full" in events[0]
    _ends_as_a_full_disk(session)


def test_a_root_that_vanishes_ends_the_episode_with_one_event_and_refuses_the_next(tmp_path: Path) -> None:
    events: list[str] = []
    root = tmp_path / "root"
    session = _session(root, events)
    session.start("one", "t", 0)
    shutil.rmtree(root)
    session.guard_disk()
    session.guard_disk()
    assert len(events) == 1 and str(root) in events[0]
    _ends_as_a_full_disk(session)
    with pytest.raises(DataError, match="No such file") as caught:
        session.start("two", "t", 0)
    assert _code(caught) == ErrorCode.DATA_DISK


def test_an_episode_that_cannot_begin_leaves_its_name_free(tmp_path: Path) -> None:
    session = _session(tmp_path, [])
    with _full_disk(), pytest.raises(DataError) as caught:
        session.start("one", "t", 0)
    assert _code(caught) == ErrorCode.DATA_DISK
    assert list(tmp_path.iterdir()) == [] and not session.recording
    session.start("one", "t", 0)
    assert session.stop("success").folder == tmp_path / "one"


def test_an_episode_of_the_name_of_one_that_was_left_open_is_refused_and_what_is_there_stays(
    tmp_path: Path,
) -> None:
    left = tmp_path / RECORDING / "one" / "one.mcap"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"recorded")
    with pytest.raises(DataError, match="segue data repair") as caught:
        _session(tmp_path, []).start("one", "t", 0)
    assert _code(caught) == ErrorCode.DATA_PATH_REFUSED
    assert left.read_bytes() == b"recorded"


def test_a_damaged_picture_is_dropped_and_what_comes_after_it_is_recorded(tmp_path: Path) -> None:
    topics = {
        "/text": replace(TEXT["/text"]),
        "/head": Topic(COMPRESSED, transform=compress_image(ImageCodec())),
    }
    events: list[str] = []
    session = RecordingSession(tmp_path, topics, FACTS, min_free_bytes=1, on_event=events.append)
    folder = session.start("one", "t", 0)
    session.write("/head", 1, b"\0\1\0\0damaged")
    session.write("/text", 2, _hello())
    closed = session.stop("success")
    assert (closed.messages, closed.lost, events) == (1, 1, [])
    assert [record.topic for record in read(folder)] == ["/text"]


def test_repair_leaves_alone_what_is_being_recorded(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "open", TEXT, wait=True)
    writer.write("/text", 1, _hello())
    assert repair_open_episodes(tmp_path) == ([], [])
    assert (tmp_path / RECORDING / "open").is_dir()
    writer.finish(FACTS)
    assert len(list(read(tmp_path / "open"))) == 1


def test_a_read_only_root_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file/below"):
        _session(tmp_path / "file" / "below", [])


def test_every_episode_begins_with_what_was_said_once_and_of_static_frames_with_all_of_it(
    tmp_path: Path,
) -> None:
    frames, info = "/tf_static", "/segue/policy_info"
    topics = dict.fromkeys((frames, info), Topic("std_msgs/msg/String"))
    session = RecordingSession(
        tmp_path, topics, FACTS, min_free_bytes=1, latched=(frames, info), on_event=print
    )
    kind = typestore().types["std_msgs/msg/String"]
    for text in ("robot", "camera", "camera"):
        data = bytes(typestore().serialize_cdr(kind(text), "std_msgs/msg/String"))
        session.write(frames, 1, data)
        session.write(info, 1, data)
    for name in ("one", "two"):
        session.start(name, "", 0)
        session.stop("success")
        found = [(record.topic, record.message().data) for record in read(tmp_path / name)]
        assert sorted(found) == [(info, "camera"), (frames, "camera"), (frames, "robot")]
