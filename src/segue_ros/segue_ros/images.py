"""sensor_msgs/Image to and from NumPy, for the encodings that cameras here use."""

import sys
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from segue_core.errors import ErrorCode, PerceptionError

# encoding: element type and channels (0 for a plain (h, w) picture)
_LAYOUTS: Mapping[str, tuple[type[np.generic], int]] = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 0),
    "mono16": (np.uint16, 0),
    "16UC1": (np.uint16, 0),
    "32FC1": (np.float32, 0),
}
_TO_RGB: Mapping[str, tuple[int, ...]] = {
    "rgb8": (0, 1, 2),
    "bgr8": (2, 1, 0),
    "rgba8": (0, 1, 2),
    "bgra8": (2, 1, 0),
}
ENCODINGS = tuple(_LAYOUTS)


def to_array(message: Image) -> NDArray[Any]:
    """The picture, (h, w) or (h, w, channels), in the channel order of its encoding and native byte order.

    A view into the message when nothing needs to be moved: copy it before changing it.

    Raises:
        PerceptionError: FRAME_ENCODING for an unknown encoding, FRAME_CORRUPT when sizes and data disagree.
    """
    kind, channels = _layout(message.encoding)
    element = np.dtype(kind)
    width = message.width * max(channels, 1)
    data = np.frombuffer(message.data, dtype=np.uint8)
    if message.height == 0 or message.width == 0 or message.step < width * element.itemsize:
        raise _corrupt(
            message, f"step of at least {width * element.itemsize} for a picture that is not empty"
        )
    if data.size != message.step * message.height:
        raise _corrupt(message, f"{message.step * message.height} bytes")
    rows = data.reshape(message.height, message.step)[:, : width * element.itemsize]
    values = np.ascontiguousarray(rows).view(element).reshape(message.height, width)
    if element.itemsize > 1 and bool(message.is_bigendian) != (sys.byteorder == "big"):
        values = values.byteswap()
    return values.reshape(message.height, message.width, channels) if channels else values


def to_rgb(message: Image) -> NDArray[np.uint8]:
    """The picture as (h, w, 3) RGB; grey is repeated in all channels.

    Raises:
        PerceptionError: as `to_array`; FRAME_ENCODING also for depth, which has no colours.
    """
    values = to_array(message)
    if message.encoding == "rgb8":
        return values
    if message.encoding == "mono8":
        return np.repeat(values[:, :, None], 3, axis=2)
    if message.encoding not in _TO_RGB:
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING,
            "not a colour picture",
            got=message.encoding,
            allowed=(*_TO_RGB, "mono8"),
        )
    return np.ascontiguousarray(values[:, :, list(_TO_RGB[message.encoding])])


def to_message(image: NDArray[Any], encoding: str, stamp: Time, frame_id: str) -> Image:
    """The message for a picture (h, w) or (h, w, channels), its channels in the order of `encoding`.

    Raises:
        PerceptionError: FRAME_ENCODING for an unknown encoding, FRAME_CORRUPT when the array does not fit it.
    """
    kind, channels = _layout(encoding)
    shape = image.shape[2:] if channels else (0,)
    if image.dtype != kind or image.ndim != (3 if channels else 2) or shape != (channels,):
        got, expected = f"{image.dtype} {image.shape}", f"{np.dtype(kind)} for {encoding}"
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, "picture to send", got=got, expected=expected)
    message = Image(height=image.shape[0], width=image.shape[1], encoding=encoding)
    message.header.stamp, message.header.frame_id = stamp, frame_id
    message.is_bigendian = int(sys.byteorder == "big")
    message.step = image.shape[1] * max(channels, 1) * image.itemsize
    # Through array.array: rclpy checks any other sequence byte by byte, which takes 500 times as long.
    data = array("B")
    data.frombytes(np.ascontiguousarray(image).reshape(-1).view(np.uint8).data)
    message.data = data
    return message


def _layout(encoding: str) -> tuple[type[np.generic], int]:
    if encoding not in _LAYOUTS:
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING, "unknown encoding", got=repr(encoding), allowed=ENCODINGS
        )
    return _LAYOUTS[encoding]


def _corrupt(message: Image, expected: str) -> PerceptionError:
    got = (
        f"{message.width}x{message.height} {message.encoding}, step {message.step}, {len(message.data)} bytes"
    )
    return PerceptionError(
        ErrorCode.FRAME_CORRUPT, "picture and its data disagree", got=got, expected=expected
    )
