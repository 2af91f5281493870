"""What happens to a picture before a policy sees it: the same in training, evaluation and the ROS graph."""

import cv2
import numpy as np

from segue_core.arrays import Rgb
from segue_core.errors import ErrorCode, PerceptionError

cv2.setNumThreads(1)  # pictures are small; worker threads only disturb the control loops on the same cores


def resize(image: Rgb, size: tuple[int, int]) -> Rgb:
    """`image` (h, w, 3) at `size`, which is (width, height) [pixels], by area averaging.

    Returns `image` itself, not a copy, when it already has that size.

    Raises:
        PerceptionError: FRAME_CORRUPT when the picture is empty or not 8-bit colour.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        got = f"{image.dtype} {image.shape}"
        raise PerceptionError(
            ErrorCode.FRAME_CORRUPT, "picture to resize", got=got, expected="uint8 (h, w, 3)"
        )
    if image.shape[1::-1] == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
