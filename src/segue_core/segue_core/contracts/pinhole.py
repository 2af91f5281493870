"""Where a camera that stands in the base frame sees a point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from segue_core.arrays import Floats
from segue_core.contracts.robot import CameraConfig


def pixels(camera: CameraConfig, size: tuple[int, int], points: ArrayLike) -> Floats:
    """Points (n, 3) [m] in the camera's mount to (n, 2), x right and y down, in a picture of `size` (width, height).

    What is behind the camera is NaN; pixel centres are at whole numbers.
    """
    ahead = np.subtract(camera.look_at, camera.position)
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, camera.up)
    right = right / np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    seen = (np.asarray(points, dtype=np.float64) - camera.position) @ axes.T  # (n, 3), z away from the camera
    width, height = size
    depth = np.where(seen[:, 2:] > 0, seen[:, 2:], np.nan)
    focal = height / 2 / math.tan(math.radians(camera.fovy_deg) / 2)
    made: Floats = focal * seen[:, :2] / depth + [(width - 1) / 2, (height - 1) / 2]
    return made
