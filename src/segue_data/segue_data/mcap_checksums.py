"""The MCAP writer of rosbags with chunk checksums, which it leaves out: a flipped bit is found when the bag is read.

Source: https://mcap.dev/spec; a chunk is `opcode u8, length u64, start u64, end u64, size u64, crc u32, ...`.
"""

from __future__ import annotations

from binascii import crc32

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter

_CRC_OFFSET = 1 + 8 + 3 * 8


class _ChecksummedMcap(McapWriter):
    """Fills in `uncompressed_crc` of every chunk. A crash between chunk and checksum leaves 0, which means "none"."""

    def close_chunk(self) -> None:
        checksum = crc32(self.chunk.bio.getbuffer())
        start = self.bio.tell()
        super().close_chunk()
        end = self.bio.tell()
        self.bio.seek(start + _CRC_OFFSET)
        self.bio.write(checksum.to_bytes(4, "little"))
        self.bio.seek(end)


class ChecksummedWriter(Writer):
    """`rosbags.rosbag2.Writer` whose MCAP chunks have checksums."""

    STORAGE_PLUGINS = {  # noqa: RUF012  # the library looks it up by this name
        **Writer.STORAGE_PLUGINS,
        StoragePlugin.MCAP: _ChecksummedMcap,
    }
