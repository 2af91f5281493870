"""The encodings of sensor_msgs/Image that Segue knows, and the picture in a message: one list for all packages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ErrorCode, PerceptionError

# encoding: element type and channels (0 for a plain (h, w) picture)
LAYOUTS: Mapping[str, tuple[type[np.generic], int]] = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 0),
    "8UC1": (np.uint8, 0),
    "8UC3": (np.uint8, 3),
    "mono16": (np.uint16, 0),
    "16UC1": (np.uint16, 0),
    "32FC1": (np.float32, 0),
    "bayer_rggb8": (np.uint8, 0),
    "bayer_bggr8": (np.uint8, 0),
    "bayer_gbrg8": (np.uint8, 0),
    "bayer_grbg8": (np.uint8, 0),
    "uyvy": (np.uint8, 2),
    "yuv422": (np.uint8, 2),
    "yuyv": (np.uint8, 2),
    "yuv422_yuy2": (np.uint8, 2),
}
ENCODINGS = tuple(LAYOUTS)
_TO_RGB: Mapping[str, tuple[int, ...]] = {
    "rgb8": (0, 1, 2),
    "bgr8": (2, 1, 0),
    "8UC3": (2, 1, 0),  # OpenCV's own order, which drivers that use this name send
    "rgba8": (0, 1, 2),
    "bgra8": (2, 1, 0),
}
_GREY = ("mono8", "8UC1")
PLAIN_COLOURS = (*_TO_RGB, *_GREY)
"""Encodings that `to_rgb` converts; more of them, which need OpenCV, are in segue_perception.colours."""


class RawPicture(Protocol):
    """A sensor_msgs/Image, of rclpy or read from a bag."""

    height: int
    width: int
    encoding: str
    is_bigendian: Any
    step: int
    data: Any


def to_array(message: RawPicture) -> NDArray[Any]:
    """The picture, (h, w) or (h, w, channels), in the channel order of its encoding and native byte order.

    A view into the message when nothing needs to be moved: copy it before changing it.

    Raises:
        PerceptionError: FRAME_ENCODING for an unknown encoding, FRAME_CORRUPT when sizes and data disagree.
    """
    kind, channels = layout(message.encoding)
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


def to_rgb(message: RawPicture) -> NDArray[np.uint8]:
    """The picture as (h, w, 3) RGB; grey is repeated in all channels.

    Raises:
        PerceptionError: as `to_array`; FRAME_ENCODING also for what is not in PLAIN_COLOURS.
    """
    values = to_array(message)
    if message.encoding == "rgb8":
        return values
    if message.encoding in _GREY:
        return np.repeat(values[:, :, None], 3, axis=2)
    if message.encoding not in _TO_RGB:
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING, "not a colour picture", got=message.encoding, allowed=PLAIN_COLOURS
        )
    return np.ascontiguousarray(values[:, :, list(_TO_RGB[message.encoding])])


def layout(encoding: str) -> tuple[type[np.generic], int]:
    """Element type and channels of an encoding; PerceptionError for one that is not in LAYOUTS."""
    if encoding not in LAYOUTS:
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING, "unknown encoding", got=repr(encoding), allowed=ENCODINGS
        )
    return LAYOUTS[encoding]


def _corrupt(message: RawPicture, expected: str) -> PerceptionError:
    got = (
        f"{message.width}x{message.height} {message.encoding}, step {message.step}, {len(message.data)} bytes"
    )
    return PerceptionError(
        ErrorCode.FRAME_CORRUPT, "picture and its data disagree", got=got, expected=expected
    )
