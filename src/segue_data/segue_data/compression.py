"""Raw image messages to compressed ones, bytes to bytes, in the thread that writes the bag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from segue_data.definitions import typestore
from segue_data.encoding import ImageCodec

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
Transform = Callable[[bytes], bytes]


def compress_image(codec: ImageCodec) -> Transform:
    """Function from a serialised Image (rgb8 or bgr8) to a serialised CompressedImage, header kept.

    The function raises ValueError for other encodings and for sizes that do not add up.
    """
    store = typestore()
    build: Any = store.types[COMPRESSED]

    def transform(data: bytes) -> bytes:
        message: Any = store.deserialize_cdr(data, RAW)
        if message.encoding not in {"rgb8", "bgr8"} or message.data.size != message.step * message.height:
            raise ValueError(
                f"cannot compress {message.encoding}, {message.data.size} bytes, step {message.step}"
            )
        rows = message.data.reshape(message.height, message.step)[:, : 3 * message.width]
        image = np.ascontiguousarray(rows).reshape(message.height, message.width, 3)
        rgb = image if message.encoding == "rgb8" else image[..., ::-1]
        compressed = build(header=message.header, format=codec.label, data=codec.encode(rgb))
        return bytes(store.serialize_cdr(compressed, COMPRESSED))

    return transform
