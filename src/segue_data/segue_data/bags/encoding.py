"""Images to bytes and back, with one codec table for recording and conversion (RGB in, RGB out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Rgb
from segue_core.errors import ErrorCode, PerceptionError
from segue_data.errors import misaligned, spoiled
from segue_perception.colours import decompressed, to_rgb

ImageFormat = Literal["jpeg", "png"]


@dataclass(frozen=True)
class ImageCodec:
    """How images are compressed: JPEG (small, nearly lossless at 95) or PNG (exact)."""

    format: ImageFormat = "jpeg"
    quality: int = 95  # JPEG 1..100
    png_level: int = 1  # zlib 0..9; 1 is six times faster than 9 for a few percent more bytes

    @property
    def label(self) -> str:
        """`format` field of sensor_msgs/CompressedImage, as image_transport writes it."""
        return f"rgb8; {self.format} compressed bgr8"

    def encode(self, image: Rgb) -> NDArray[np.uint8]:
        """Compressed bytes (n,) of an RGB image (height, width, 3) uint8."""
        options = (
            [int(cv2.IMWRITE_JPEG_QUALITY), self.quality]
            if self.format == "jpeg"
            else [int(cv2.IMWRITE_PNG_COMPRESSION), self.png_level]
        )
        suffix = ".jpg" if self.format == "jpeg" else ".png"
        _, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
        return np.asarray(data, dtype=np.uint8).reshape(-1)


def decode(data: bytes | NDArray[np.uint8], source: str, place: str) -> Rgb:
    """RGB image (height, width, 3) of JPEG or PNG bytes; DataError naming `source` and `place` if corrupt."""
    try:
        return decompressed(data)
    except PerceptionError as error:
        raise spoiled(source, place, error.text.removeprefix("picture: ")) from error


def picture(message: Any, source: str, place: str) -> Rgb:
    """RGB image (height, width, 3) of a sensor_msgs Image or CompressedImage, as the policy would see it live.

    Raises:
        DataError: no colour picture, or a corrupt one; names `source` and `place`.
    """
    if hasattr(message, "format"):
        return decode(message.data, source, place)
    try:
        return to_rgb(message)
    except PerceptionError as error:
        fault = misaligned if error.code is ErrorCode.FRAME_ENCODING else spoiled
        raise fault(source, place, error.text) from error
