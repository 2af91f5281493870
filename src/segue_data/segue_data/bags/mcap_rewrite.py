"""An MCAP file written anew in indexed chunks, for one that readers miss messages of, such as those beside chunks."""

from __future__ import annotations

from pathlib import Path

from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from segue_data.bags.mcap_scan import MAX_RECORD_BYTES

_CHUNK_BYTES = 2**20


def rewrite(path: Path, out: Path) -> None:
    """Every message of `path`, a closed file, with its times and in its order, into the new file `out`."""
    schemas: dict[int, int] = {0: 0}
    channels: dict[int, int] = {}
    with path.open("rb") as source, out.open("xb") as target:
        writer = Writer(target, chunk_size=_CHUNK_BYTES, compression=CompressionType.NONE)
        writer.start(profile="ros2", library="segue")
        for record in StreamReader(source, record_size_limit=MAX_RECORD_BYTES).records:
            if isinstance(record, Schema) and record.id not in schemas:
                schemas[record.id] = writer.register_schema(record.name, record.encoding, record.data)
            elif isinstance(record, Channel) and record.id not in channels:
                channels[record.id] = writer.register_channel(
                    record.topic, record.message_encoding, schemas[record.schema_id], dict(record.metadata)
                )
            elif isinstance(record, Message):
                writer.add_message(
                    channels[record.channel_id],
                    record.log_time,
                    record.data,
                    record.publish_time,
                    record.sequence,
                )
        writer.finish()  # type: ignore[no-untyped-call]
