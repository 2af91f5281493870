"""Walk an MCAP file from the front, as far as it is whole; for checking and for salvage.

magic | Header | Chunk MessageIndex* | Schema Channel Message* | Chunk Mess...torn
      chunked, or record by record (rosbag2's preset `fastwrite`)  ^ data_end; `rest`: whole messages of the torn chunk
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, MessageIndex, Schema
from mcap.stream_reader import CRCValidationError, get_chunk_data_stream

from segue_data.bags.mcap_closing import Held, what_is_wrong
from segue_data.errors import corrupt

MAGIC = b"\x89MCAP0\r\n"
MAX_RECORD_BYTES = 256 * 2**20  # far above the 1 MiB chunks that recorders write
_HEAD = struct.Struct("<BQ")  # opcode and length of a record
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_PRIVATE = 0x80  # opcodes from here on are an application's own
_BROKEN = (
    McapError,
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,  # what lz4 raises
    struct.error,
    zstandard.ZstdError,
)


@dataclass
class ScannedChunk:
    """A whole chunk: where it is and what it holds."""

    start: int
    end: int
    compression: str
    compressed_size: int
    uncompressed_size: int
    times: tuple[int, int]  # first and last log time [ns]
    messages: dict[int, list[tuple[int, int]]]  # channel id -> (log time [ns], offset in the chunk)
    index_offsets: dict[int, int] = field(default_factory=dict)  # channel id -> offset of its MessageIndex
    index_end: int = 0


@dataclass
class Scan:
    """What a file holds up to its last whole record; `torn` says why it is not whole, empty when it is.

    Attributes:
        loose: messages outside chunks, by channel id.
        rest: whole records of a chunk that is not whole itself.
        data_end: where the last whole record of the data section ends.
        extras: attachments and metadata records.
        unsure: where chunks begin whose checksum does not fit: a message in each of them is not as it was written.
        unreadable: why readers that go by the index miss messages of a file that is whole.
    """

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ScannedChunk] = field(default_factory=list)
    loose: dict[int, list[int]] = field(default_factory=dict)  # channel id -> log times [ns]
    rest: bytes = b""
    rest_messages: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # as in a chunk
    extras: list[int] = field(default_factory=lambda: [0, 0])
    header_end: int = 0
    data_end: int = 0
    size: int = 0
    torn: str = ""
    unsure: list[int] = field(default_factory=list)
    unreadable: str = ""

    def counts(self) -> dict[int, int]:
        """Messages by channel id; every channel has an entry."""
        totals = dict.fromkeys(self.channels, 0)
        for messages in (*(chunk.messages for chunk in self.chunks), self.rest_messages):
            for channel, entries in messages.items():
                totals[channel] += len(entries)
        for channel, times in self.loose.items():
            totals[channel] += len(times)
        return totals

    @property
    def count(self) -> int:
        """All messages."""
        return sum(self.counts().values())

    def times(self) -> tuple[int, int]:
        """First and last log time [ns]; (0, 0) when there is no message."""
        parts = [(min(times), max(times)) for times in self.loose.values()]
        for messages in (*(chunk.messages for chunk in self.chunks), self.rest_messages):
            parts += [(min(entries)[0], max(entries)[0]) for entries in messages.values()]
        return (min(first for first, _ in parts), max(last for _, last in parts)) if parts else (0, 0)


@dataclass
class _Inside:
    """The records of a chunk, as far as they are whole."""

    schemas: dict[int, Schema]
    channels: dict[int, Channel]
    messages: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    end: int = 0

    def read(self, data: bytes) -> None:
        """Take record after record; raises at the first that is not whole."""
        for opcode, offset, body in _records(data):
            if opcode == Opcode.MESSAGE:
                channel, log_ns = _message(body, self.channels)
                self.messages.setdefault(channel, []).append((log_ns, offset))
            else:
                _define(opcode, body, self.schemas, self.channels)
            self.end = offset + _HEAD.size + len(body)


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(opcode, offset, body) of the records in a chunk."""
    offset = 0
    while offset < len(data):
        opcode, length = _HEAD.unpack_from(data, offset)
        body = data[offset + _HEAD.size : offset + _HEAD.size + length]
        if len(body) != length:
            raise ValueError(f"record of {length} bytes at {offset} runs over the chunk")
        yield opcode, offset, body
        offset += _HEAD.size + length


def _message(body: bytes, channels: dict[int, Channel]) -> tuple[int, int]:
    """Channel and log time [ns] of a message record."""
    channel, _, log_ns, _ = _MESSAGE.unpack_from(body)
    if channel not in channels:
        raise ValueError(f"message of unknown channel {channel}")
    return channel, log_ns


def _define(opcode: int, body: bytes, schemas: dict[int, Schema], channels: dict[int, Channel]) -> None:
    """Note what a Schema or Channel record defines."""
    if opcode == Opcode.SCHEMA:
        schema = Schema.read(ReadDataStream(BytesIO(body)))
        schemas[schema.id] = schema
    elif opcode == Opcode.CHANNEL:
        channel = Channel.read(ReadDataStream(BytesIO(body)))
        if channel.schema_id and channel.schema_id not in schemas:
            raise ValueError(f"channel {channel.topic!r} of unknown schema {channel.schema_id}")
        channels[channel.id] = channel


def _add_chunk(scan: Scan, chunk: Chunk, start: int, end: int) -> None:
    try:
        stream, length = get_chunk_data_stream(chunk, validate_crc=True)
    except CRCValidationError:  # a flipped bit somewhere in it; its messages are still there
        stream, length = get_chunk_data_stream(chunk)
        scan.unsure.append(start)
    inside = _Inside(dict(scan.schemas), dict(scan.channels))
    data = stream.read(length)
    try:
        inside.read(data)
    except _BROKEN:
        _keep_rest(scan, data)
        raise
    scan.schemas, scan.channels = inside.schemas, inside.channels
    times = (chunk.message_start_time, chunk.message_end_time)
    size = chunk.uncompressed_size
    scan.chunks.append(
        ScannedChunk(start, end, chunk.compression, len(chunk.data), size, times, inside.messages, {}, end)
    )


def _keep_rest(scan: Scan, data: bytes) -> None:
    """Note the whole records at the beginning of a chunk's content `data` that is not whole."""
    inside = _Inside(dict(scan.schemas), dict(scan.channels))
    with suppress(*_BROKEN):  # what came before is what is kept
        inside.read(data)
    if inside.messages:
        scan.schemas, scan.channels = inside.schemas, inside.channels
        scan.rest, scan.rest_messages = data[: inside.end], inside.messages


def _unpacked(body: bytes) -> bytes:
    """As much of a chunk's content as the beginning of its record gives; empty when that is nothing."""
    name_length = struct.unpack_from("<I", body, 28)[0]
    compression = body[32 : 32 + name_length].decode()
    data = body[32 + name_length + 8 :]
    try:
        if compression == "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(data)
        if compression == "lz4":
            return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data))
    except _BROKEN:
        return b""
    return data


def _take(scan: Scan, opcode: int, body: bytes, start: int, end: int) -> None:
    """One whole record of the data section; raises when it is none."""
    if opcode == Opcode.HEADER:
        scan.header_end = end
    elif opcode == Opcode.CHUNK:
        _add_chunk(scan, Chunk.read(ReadDataStream(BytesIO(body))), start, end)
    elif opcode == Opcode.MESSAGE:
        channel, log_ns = _message(body, scan.channels)
        scan.loose.setdefault(channel, []).append(log_ns)
    elif opcode == Opcode.MESSAGE_INDEX:
        _add_index(scan, MessageIndex.read(ReadDataStream(BytesIO(body))), start, end)
    elif opcode in (Opcode.ATTACHMENT, Opcode.METADATA):
        scan.extras[opcode == Opcode.METADATA] += 1
    elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
        _define(opcode, body, scan.schemas, scan.channels)
    elif opcode < _PRIVATE:
        raise ValueError(f"no data record (opcode {opcode})")


def _add_index(scan: Scan, index: MessageIndex, start: int, end: int) -> None:
    if not scan.chunks or scan.chunks[-1].index_end != start:
        return
    chunk = scan.chunks[-1]
    chunk.index_offsets[index.channel_id] = start
    chunk.index_end = end
    if sorted(index.records) != sorted(chunk.messages.get(index.channel_id, [])):
        scan.unreadable = f"the index of the chunk at byte {chunk.start} is damaged"


def _walk(file: IO[bytes], scan: Scan) -> None:
    """Record by record to DataEnd; raises at what is not whole."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("does not begin as an MCAP file")
    while True:
        start = file.tell()
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise EOFError("nothing says that the data end here")
        opcode, length = _HEAD.unpack(head)
        if not scan.header_end and opcode != Opcode.HEADER:
            raise ValueError("no header record")
        if opcode == Opcode.DATA_END and length == 4:  # a checksum
            file.seek(length, os.SEEK_CUR)
            return
        missing = length - (scan.size - start - _HEAD.size)
        if missing <= 0 and length > MAX_RECORD_BYTES:
            raise ValueError(f"record of {length} bytes")
        body = file.read(min(length, MAX_RECORD_BYTES))
        if missing > 0:
            if opcode == Opcode.CHUNK:
                _keep_rest(scan, _unpacked(body))
            raise EOFError(f"{missing} bytes are missing")
        _take(scan, opcode, body, start, start + _HEAD.size + length)
        scan.data_end = file.tell()


def _in_words(error: BaseException) -> str:
    """What is wrong, without the words of a library that met bytes it did not expect."""
    if type(error) in (ValueError, EOFError) and str(error):
        return " ".join(str(error).split())
    return "a record is cut or damaged"


def scan(path: Path) -> Scan:
    """Read `path` to its end or to the first thing that is not whole, one chunk in memory at a time.

    Raises:
        DataError: the file cannot be opened or does not begin as an MCAP file.
    """
    result = Scan()
    try:
        with path.open("rb") as file:
            result.size = os.fstat(file.fileno()).st_size
            _walk(file, result)
            chunks = {chunk.start: chunk.end - chunk.start for chunk in result.chunks}
            held = Held(chunks, result.counts(), result.schemas, result.channels)
            result.torn = what_is_wrong(file, result.size, held)
    except _BROKEN as error:
        if not result.header_end:
            what = "it is empty, 0 bytes" if not result.size else _in_words(error)
            raise corrupt(path, "byte 0", f"no MCAP file, so nothing to save ({what})") from error
        result.torn = f"after byte {result.data_end}: {_in_words(error)}"
    return result
