"""A camera's frame cut and scaled to the size that the robot's contract promises, and its calibration with it.

camera 640x480            contract 256x192        the largest part of the same shape around the centre,
.---------.               .------.                then area averaging
| .-----. |      ->       |      |
'---------'               '------'
"""

from dataclasses import dataclass

import numpy as np

from segue_core.arrays import Rgb
from segue_perception.camera_config import Intrinsics
from segue_perception.preprocess import resize


@dataclass(frozen=True)
class Framing:
    """From frames of `source` to pictures of `size`, both (width, height) [pixels]."""

    source: tuple[int, int]
    size: tuple[int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The part that is used: left, top, width, height [pixels]."""
        width, height = self.source
        scale = min(width / self.size[0], height / self.size[1])
        used = round(self.size[0] * scale), round(self.size[1] * scale)
        return (width - used[0]) // 2, (height - used[1]) // 2, *used

    def picture(self, frame: Rgb) -> Rgb:
        """The picture for a frame (h, w, 3); the frame itself when nothing has to be done."""
        left, top, width, height = self.box
        return resize(np.ascontiguousarray(frame[top : top + height, left : left + width]), self.size)

    def intrinsics(self, of_source: Intrinsics) -> Intrinsics:
        """The calibration of the picture: pixel centres are at half pixels, cx' = (cx + 1/2 - left) s - 1/2."""
        left, top, width, height = self.box
        sx, sy = self.size[0] / width, self.size[1] / height
        return Intrinsics(
            fx=of_source.fx * sx,
            fy=of_source.fy * sy,
            cx=(of_source.cx + 0.5 - left) * sx - 0.5,
            cy=(of_source.cy + 0.5 - top) * sy - 0.5,
            distortion=of_source.distortion,
        )
