"""Close an MCAP file that lost its end: cut the torn tail off and write what closing would have written.

    ... last chunk | MessageIndex* | rest of a torn chunk | DataEnd | Schema* Channel* ChunkIndex* Statistics | Footer
                   ^ written from here, or from behind the last message of a file without chunks
Source: the MCAP specification, "Summary section".
"""

from __future__ import annotations

import os
from binascii import crc32
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    McapRecord,
    MessageIndex,
    Statistics,
    SummaryOffset,
)

from segue_data.bags.mcap_scan import Scan, ScannedChunk

MAGIC = b"\x89MCAP0\r\n"


_CHECKSUM = 1 + 8 + 3 * 8  # offset of a chunk's checksum in its record


def _bytes(record: McapRecord) -> bytes:
    builder: Any = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())


def _index_of_last(chunk: ScannedChunk) -> bytes:
    """Its MessageIndex records, noting their places in `chunk`."""
    parts = b""
    chunk.index_offsets.clear()
    for channel, messages in chunk.messages.items():
        chunk.index_offsets[channel] = chunk.end + len(parts)
        parts += _bytes(MessageIndex(channel_id=channel, records=list(messages)))
    chunk.index_end = chunk.end + len(parts)
    return parts


def _rest_as_chunk(scan: Scan, start: int) -> bytes:
    """The whole records of a torn chunk as a chunk with its index at byte `start`; `scan` then has it as one."""
    if not scan.rest_messages:
        return b""
    stamps = [log_ns for entries in scan.rest_messages.values() for log_ns, _ in entries]
    times, size = (min(stamps), max(stamps)), len(scan.rest)
    record = _bytes(
        Chunk(
            compression="",
            data=scan.rest,
            message_start_time=times[0],
            message_end_time=times[1],
            uncompressed_crc=crc32(scan.rest),
            uncompressed_size=size,
        )
    )
    scan.chunks.append(ScannedChunk(start, start + len(record), "", size, size, times, scan.rest_messages))
    scan.rest, scan.rest_messages = b"", {}
    return record + _index_of_last(scan.chunks[-1])


def _chunk_index(chunk: ScannedChunk) -> ChunkIndex:
    return ChunkIndex(
        chunk_length=chunk.end - chunk.start,
        chunk_start_offset=chunk.start,
        compression=chunk.compression,
        compressed_size=chunk.compressed_size,
        message_end_time=chunk.times[1],
        message_index_length=chunk.index_end - chunk.end,
        message_index_offsets=dict(chunk.index_offsets),
        message_start_time=chunk.times[0],
        uncompressed_size=chunk.uncompressed_size,
    )


def _statistics(scan: Scan) -> Statistics:
    counts, (first, last) = scan.counts(), scan.times()
    return Statistics(
        attachment_count=scan.extras[0],
        channel_count=len(scan.channels),
        channel_message_counts=counts,
        chunk_count=len(scan.chunks),
        message_count=sum(counts.values()),
        message_end_time=last,
        message_start_time=first,
        metadata_count=scan.extras[1],
        schema_count=len(scan.schemas),
    )


def _summary(scan: Scan, start: int) -> bytes:
    """Everything from the summary to the closing magic, when the summary begins at byte `start`."""
    groups: Sequence[tuple[Opcode, Sequence[McapRecord]]] = (
        (Opcode.SCHEMA, list(scan.schemas.values())),
        (Opcode.CHANNEL, list(scan.channels.values())),
        (Opcode.CHUNK_INDEX, [_chunk_index(chunk) for chunk in scan.chunks]),
        (Opcode.STATISTICS, [_statistics(scan)]),
    )
    summary, offsets = b"", b""
    for opcode, records in groups:
        group = b"".join(map(_bytes, records))
        if group:
            place = SummaryOffset(
                group_opcode=opcode, group_start=start + len(summary), group_length=len(group)
            )
            offsets += _bytes(place)
            summary += group
    footer = Footer(summary_start=start, summary_offset_start=start + len(summary), summary_crc=0)
    return summary + offsets + _bytes(footer) + MAGIC


def forget_checksums(path: Path, scan: Scan) -> None:
    """Take away the checksums that do not fit (0 means that there is none), so that readers read those chunks."""
    with path.open("r+b") as file:
        for start in scan.unsure:
            file.seek(start + _CHECKSUM)
            file.write(bytes(4))


def close_torn(path: Path, scan: Scan) -> None:
    """Cut `path` behind its last whole record and close it properly; may be repeated after a crash."""
    end, tail = scan.data_end, b""
    if scan.chunks and scan.chunks[-1].index_end == end:  # its index may be torn
        end, tail = scan.chunks[-1].end, _index_of_last(scan.chunks[-1])
    tail += _rest_as_chunk(scan, end + len(tail))
    tail += _bytes(DataEnd(data_section_crc=0))
    with path.open("r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(tail + _summary(scan, end + len(tail)))
        file.flush()
        os.fsync(file.fileno())
