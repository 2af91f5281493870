"""Pictures of any camera as RGB: one conversion for the live graph, the recorder, checks and datasets.

What the policy can see can so be recorded and converted, and the other way round.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ErrorCode, PerceptionError
from segue_core.pictures import PLAIN_COLOURS, RawPicture, to_array
from segue_core.pictures import to_rgb as plain_to_rgb

# OpenCV names a Bayer pattern by its second row and column, ROS by its first ones.
_BY_OPENCV: Mapping[str, int] = {
    "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
}
MAX_SIDE = 8192
"""Of a picture that is decoded [pixels]; a larger one is refused before it takes memory."""
_PNG, _PNG_SIZE, _JPEG = b"\x89PNG\r\n\x1a\n", slice(16, 24), b"\xff\xd8"
_FRAMES = frozenset(
    {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
)  # markers of JPEG that a picture's size follows
COLOURS = (*PLAIN_COLOURS, *_BY_OPENCV)
"""Encodings of sensor_msgs/Image that a camera of a robot may send."""


def to_rgb(message: RawPicture) -> NDArray[np.uint8]:
    """The picture of a raw image message as (h, w, 3) RGB.

    Raises:
        PerceptionError: FRAME_ENCODING for an encoding that is not in COLOURS, FRAME_CORRUPT when sizes and data
            disagree.
    """
    if message.encoding in PLAIN_COLOURS:
        return plain_to_rgb(message)
    if message.encoding not in _BY_OPENCV:
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING, "no colour picture", got=repr(message.encoding), allowed=COLOURS
        )
    if message.encoding.startswith(("yuv", "uyvy", "yuyv")) and message.width % 2:
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, f"{message.encoding}: odd width", got=message.width)
    return np.asarray(cv2.cvtColor(to_array(message), _BY_OPENCV[message.encoding]), dtype=np.uint8)


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG or PNG says in its first bytes; None where it is neither. Nothing is decoded."""
    if data.startswith(_PNG) and len(data) >= _PNG_SIZE.stop:
        width, height = struct.unpack(">II", data[_PNG_SIZE])
        return width, height
    at = 2
    while data.startswith(_JPEG) and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + length  # a marker may have more than one 0xFF before it
    return None


def decompressed(data: Any, what: str = "picture") -> NDArray[np.uint8]:
    """The picture in the bytes of a CompressedImage (JPEG, PNG) as (h, w, 3) RGB.

    Raises:
        PerceptionError: FRAME_CORRUPT for bytes that are no such picture.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    size = size_of(buffer.tobytes())
    if size is not None and max(size) > MAX_SIDE:
        got, expected = "{}x{}".format(*size), f"at most {MAX_SIDE} by {MAX_SIDE}"
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, f"{what}: size", got=got, expected=expected)
    image = None
    if size is not None:
        with suppress(cv2.error):  # what OpenCV's decoders say of damaged bytes
            image = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
    if image is None:
        raise PerceptionError(
            ErrorCode.FRAME_CORRUPT, f"{what}: {buffer.size} bytes that are no JPEG or PNG image"
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
