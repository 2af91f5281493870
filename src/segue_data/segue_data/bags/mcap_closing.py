"""The end of an MCAP file: whether what follows the data agrees with it.

    ... data | DataEnd | Schema* Channel* ChunkIndex* Statistics | offsets | Footer | magic
                       ^ read from here, to the last byte
Source: the MCAP specification, "Summary section" and "Footer".
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Schema, Statistics

MAGIC = b"\x89MCAP0\r\n"
_HEAD = struct.Struct("<BQ")  # opcode and length of a record
_FOOTER = struct.Struct("<QQI")  # start of the summary, of its offsets, checksum
_MOST = 1 << 28  # bytes of a summary that are read


@dataclass(frozen=True)
class Held:
    """What is in the data of a file: chunk lengths by where they begin, messages by channel id, what defines them."""

    chunks: Mapping[int, int]
    counts: Mapping[int, int]
    schemas: Mapping[int, Schema]
    channels: Mapping[int, Channel]

    def agrees_on_type(self, schema: Schema) -> bool:
        """Whether the data defines it alike. rosbag2 defines what has no message in the index alone."""
        if schema.id in self.schemas:
            return self.schemas[schema.id] == schema
        return all(channel.schema_id != schema.id for channel in self.channels.values())

    def agrees_on(self, channel: Channel) -> bool:
        """Whether the data defines it alike, or has neither it nor a message of it."""
        if channel.id in self.channels:
            return self.channels[channel.id] == channel
        return not self.counts.get(channel.id)


def what_is_wrong(file: IO[bytes], size: int, held: Held) -> str:
    """Read from behind DataEnd to the end of a file of `size` bytes; what does not fit, or an empty text.

    Raises:
        ValueError, EOFError, struct.error, McapError: records that are none.
    """
    start = file.tell()
    data = file.read(min(size - start, _MOST))
    records, footer_at = _records(data)
    summary, _, checksum = _FOOTER.unpack_from(data, footer_at + _HEAD.size)
    end = footer_at + _HEAD.size + _FOOTER.size
    if data[end : end + len(MAGIC)] != MAGIC:
        return f"its closing bytes are missing or damaged, after byte {start + end}"
    if behind := size - start - end - len(MAGIC):
        return f"{behind} bytes behind its end"
    if summary not in (0, start) or (records and not summary):
        return f"its footer is damaged: the summary is at byte {start}, the footer says {summary}"
    if checksum and summary and checksum != crc32(data[: end - 4]):
        return "the checksum of its summary does not fit"
    return _index(records, held)


def _records(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """The records of the summary, and where the footer begins."""
    found: list[tuple[int, bytes]] = []
    offset = 0
    while True:
        opcode, length = _HEAD.unpack_from(data, offset)
        if opcode == Opcode.FOOTER and length == _FOOTER.size:
            return found, offset
        body = data[offset + _HEAD.size : offset + _HEAD.size + length]
        if len(body) != length or opcode in (0, Opcode.HEADER, Opcode.FOOTER):
            raise EOFError("its index is not whole")
        found.append((opcode, body))
        offset += _HEAD.size + length


def _index(records: list[tuple[int, bytes]], held: Held) -> str:
    """What the index says that is not in the file, or leaves out."""
    chunks, counts = held.chunks, held.counts
    indexed: dict[int, int] = {}
    for opcode, body in records:
        stream = ReadDataStream(BytesIO(body))
        if opcode == Opcode.CHUNK_INDEX:
            chunk = ChunkIndex.read(stream)
            indexed[chunk.chunk_start_offset] = chunk.chunk_length
        elif opcode == Opcode.STATISTICS:
            told = Statistics.read(stream).channel_message_counts
            if {k: n for k, n in told.items() if n} != {k: n for k, n in counts.items() if n}:
                return f"its index counts {sum(told.values())} messages, {sum(counts.values())} are there"
        elif opcode == Opcode.SCHEMA and not held.agrees_on_type(schema := Schema.read(stream)):
            return f"its index defines the message type {schema.name!r} otherwise than its data"
        elif opcode == Opcode.CHANNEL and not held.agrees_on(channel := Channel.read(stream)):
            return f"its index defines the topic {channel.topic!r} otherwise than its data"
    if indexed and indexed != chunks:
        return f"its index has {len(indexed)} chunks, {len(chunks)} are there"
    return ""
