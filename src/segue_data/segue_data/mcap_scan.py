"""Walk an MCAP file from the front, as far as it is whole; for checking and for salvage.

magic | Header | Chunk MessageIndex* | Chunk MessageIndex* | Chunk Mess...torn
                                                                 ^ end: the last whole chunk
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Header, MessageIndex, Schema
from mcap.stream_reader import StreamReader, get_chunk_data_stream

from segue_data.errors import corrupt

MAX_RECORD_BYTES = 256 * 2**20  # far above the 1 MiB chunks that recorders write
_BROKEN = (
    McapError,
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    MemoryError,
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

    @property
    def indexed(self) -> bool:
        """Whether every channel's index record is in the file."""
        return set(self.index_offsets) == set(self.messages)


@dataclass
class Scan:
    """What a file holds up to its last whole chunk; `torn` says why reading stopped before the end."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ScannedChunk] = field(default_factory=list)
    header_end: int = 0
    torn: str = ""

    def counts(self) -> dict[int, int]:
        """Messages by channel id; every channel has an entry."""
        totals = dict.fromkeys(self.channels, 0)
        for chunk in self.chunks:
            for channel, messages in chunk.messages.items():
                totals[channel] += len(messages)
        return totals

    def times(self) -> tuple[int, int]:
        """First and last log time [ns]; (0, 0) when there is no message."""
        spans = [chunk.times for chunk in self.chunks if chunk.messages]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else (0, 0)


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(opcode, offset, body) of the records in a chunk."""
    offset = 0
    while offset < len(data):
        opcode, length = struct.unpack_from("<BQ", data, offset)
        body = data[offset + 9 : offset + 9 + length]
        if len(body) != length:
            raise ValueError(f"record of {length} bytes at {offset} runs over the chunk")
        yield opcode, offset, body
        offset += 9 + length


def _add_chunk(scan: Scan, chunk: Chunk, start: int, end: int) -> None:
    stream, length = get_chunk_data_stream(chunk, validate_crc=True)
    schemas, channels = dict(scan.schemas), dict(scan.channels)
    messages: dict[int, list[tuple[int, int]]] = {}
    for opcode, offset, body in _records(stream.read(length)):
        if opcode == Opcode.SCHEMA:
            schema = Schema.read(ReadDataStream(BytesIO(body)))
            schemas[schema.id] = schema
        elif opcode == Opcode.CHANNEL:
            channel = Channel.read(ReadDataStream(BytesIO(body)))
            channels[channel.id] = channel
        elif opcode == Opcode.MESSAGE:
            channel_id, _, log_ns = struct.unpack_from("<HIQ", body)
            if channel_id not in channels:
                raise ValueError(f"message of unknown channel {channel_id}")
            messages.setdefault(channel_id, []).append((log_ns, offset))
    scan.schemas, scan.channels = schemas, channels
    times = (chunk.message_start_time, chunk.message_end_time)
    size = chunk.uncompressed_size
    scan.chunks.append(
        ScannedChunk(start, end, chunk.compression, len(chunk.data), size, times, messages, {}, end)
    )


def _walk(file: IO[bytes], scan: Scan) -> None:
    reader = StreamReader(file, emit_chunks=True, record_size_limit=MAX_RECORD_BYTES)
    start = 0
    for record in reader.records:
        end = file.tell()
        if isinstance(record, Header):
            scan.header_end = end
        elif isinstance(record, Chunk):
            _add_chunk(scan, record, start, end)
        elif isinstance(record, MessageIndex) and scan.chunks:
            scan.chunks[-1].index_offsets[record.channel_id] = start
            scan.chunks[-1].index_end = end
        start = end


def scan(path: Path) -> Scan:
    """Read `path` to its end or to the first thing that is not whole, one chunk in memory at a time.

    Raises:
        DataError: the file cannot be opened or does not begin as an MCAP file.
    """
    result = Scan()
    try:
        with path.open("rb") as file:
            _walk(file, result)
    except _BROKEN as error:
        if not result.header_end:
            raise corrupt(
                path, "byte 0", f"no MCAP file, so nothing to save ({type(error).__name__} {error})"
            ) from error
        last = result.chunks[-1].index_end if result.chunks else result.header_end
        result.torn = f"{type(error).__name__} after byte {last}"
    return result
