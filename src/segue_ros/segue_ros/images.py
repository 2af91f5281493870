"""sensor_msgs/Image to and from NumPy, for the encodings that cameras here use."""

import sys
from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from segue_core.errors import ErrorCode, PerceptionError
from segue_core.pictures import ENCODINGS, layout, to_array, to_rgb

__all__ = ["ENCODINGS", "to_array", "to_message", "to_rgb"]


def to_message(image: NDArray[Any], encoding: str, stamp: Time, frame_id: str) -> Image:
    """The message for a picture (h, w) or (h, w, channels), its channels in the order of `encoding`.

    Raises:
        PerceptionError: FRAME_ENCODING for an unknown encoding, FRAME_CORRUPT when the array does not fit it.
    """
    kind, channels = layout(encoding)
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
