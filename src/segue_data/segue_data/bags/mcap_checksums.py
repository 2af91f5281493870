"""The MCAP writer of rosbags with what it leaves out: chunk checksums, publish times of their own, early chunks.

With a checksum a flipped bit is found when the bag is read. What is in no chunk yet is lost with the process, so a
chunk ends after a quarter of a second, however little is in it, and the first one with its first message.

Source: https://mcap.dev/spec

    chunk      opcode u8, length u64, start u64, end u64, size u64, crc u32, ...
    message    opcode u8, length u64, channel u16, sequence u32, log time u64, publish time u64, ...
"""

from __future__ import annotations

import struct
from binascii import crc32
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionMode
from rosbags.rosbag2.storage_mcap import McapWriter

_CRC_OFFSET = 1 + 8 + 3 * 8
_PUBLISH_OFFSET = 1 + 8 + 2 + 4 + 8
CHUNK_NS = 250_000_000
"""The most of a recording's time [ns] that a killed recorder has not written yet."""


class _ChecksummedMcap(McapWriter):
    """Fills in `uncompressed_crc` of every chunk, and ends chunks early.

    A crash between chunk and checksum leaves 0, which means "none".
    """

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self.publish_ns: int | None = None  # of the message that is written next; None: its log time
        self._published: list[tuple[int, int]] = []  # offset in the open chunk, publish time [ns]
        self._due_ns = 0

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        if self.publish_ns is not None:
            self._published.append((self.chunk.bio.tell(), self.publish_ns))
        super().write(connection, timestamp, data)
        if self.chunk.msgs and timestamp >= self._due_ns:
            self.close_chunk()

    def close_chunk(self) -> None:
        with self.chunk.bio.getbuffer() as content:
            for offset, publish_ns in self._published:
                struct.pack_into("<Q", content, offset + _PUBLISH_OFFSET, publish_ns)
        self._published = []
        checksum = crc32(self.chunk.bio.getbuffer())
        start = self.bio.tell()
        super().close_chunk()
        end = self.bio.tell()
        self.bio.seek(start + _CRC_OFFSET)
        self.bio.write(checksum.to_bytes(4, "little"))
        self.bio.seek(end)
        self.bio.flush()
        self._due_ns = self.message_end_time + CHUNK_NS


class ChecksummedWriter(Writer):
    """`rosbags.rosbag2.Writer` whose MCAP chunks have checksums, and whose messages may have another publish time."""

    STORAGE_PLUGINS = {  # noqa: RUF012  # the library looks it up by this name
        **Writer.STORAGE_PLUGINS,
        StoragePlugin.MCAP: _ChecksummedMcap,
    }

    def write_received(
        self, connection: Connection, log_ns: int, publish_ns: int, data: bytes | memoryview
    ) -> None:
        """`write` with log time and publish time [ns]."""
        storage: _ChecksummedMcap = self.storage  # type: ignore[assignment]
        storage.publish_ns = publish_ns
        self.write(connection, log_ns, data)
