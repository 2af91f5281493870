"""Raw image messages to compressed ones, bytes to bytes, in the thread that writes the bag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue_core.errors import PerceptionError
from segue_data.bags.definitions import typestore
from segue_data.bags.encoding import ImageCodec
from segue_perception.colours import to_rgb

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
Transform = Callable[[bytes], bytes]


def compress_image(codec: ImageCodec) -> Transform:
    """Function from a serialised Image to a serialised CompressedImage, header kept.

    The function raises ValueError for encodings that are no colour picture, for sizes that do not add up and for
    bytes that are no such message.
    """
    store = typestore()
    build: Any = store.types[COMPRESSED]

    def transform(data: bytes) -> bytes:
        try:
            message: Any = store.deserialize_cdr(data, RAW)
        except Exception as error:  # the decoder meets damaged bytes with whatever they lead to
            raise ValueError(f"no {RAW}: {type(error).__name__}: {error}") from error
        try:
            rgb = to_rgb(message)
        except PerceptionError as error:
            raise ValueError(f"cannot compress: {error.text}") from error
        compressed = build(header=message.header, format=codec.label, data=codec.encode(rgb))
        return bytes(store.serialize_cdr(compressed, COMPRESSED))

    return transform
