"""A recording is read by its own definitions, so a message may change without losing the bags of before."""

from pathlib import Path

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from segue_core.errors import DataError
from segue_data.bags.definitions import typestore
from segue_data.bags.reader import read

NAME = "segue_interfaces/msg/Progress"
OLD = "int64 tick\nstring source\nuint8 percent\n"  # no header, and a number that has gone since


def _bag(folder: Path, data: bytes | None = None) -> Path:
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(OLD, NAME))
    message = store.types[NAME](tick=7, source="old", percent=40)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        connection = bag.add_connection("/segue/progress", NAME, typestore=store)
        bag.write(connection, 1000, data or bytes(store.serialize_cdr(message, NAME)))
    return folder


def test_a_message_of_an_older_definition_is_read_as_it_was_written(tmp_path: Path) -> None:
    (record,) = read(_bag(tmp_path / "bag"))
    message = record.message()
    assert (message.tick, message.source, message.percent) == (7, "old", 40)
    assert "percent" not in dict(typestore().fielddefs[NAME][1])  # today's definition is another


def test_bytes_that_are_no_such_message_are_refused_with_their_place(tmp_path: Path) -> None:
    (record,) = read(_bag(tmp_path / "bag", data=b"\x00\x01\x00\x00\x01"))
    with pytest.raises(DataError, match="/segue/progress at 1000 ns"):
        record.message()
