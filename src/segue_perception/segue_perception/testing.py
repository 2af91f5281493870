"""Fault doubles: cameras that fail in the ways that real ones do."""

from dataclasses import replace

import numpy as np

from segue_core.text_enum import TextEnum
from segue_perception.camera import Camera, Frame


class CameraFault(TextEnum):
    """What is wrong with a camera."""

    NONE = "none"
    UNPLUGGED = "unplugged"  # no frames at all
    FROZEN = "frozen"  # the same pixels with fresh stamps
    SKEWED = "skewed"  # stamps half a second behind
    WRONG_SIZE = "wrong_size"


class FaultyCamera:
    """A `Camera` around another one; set `fault` at any time."""

    def __init__(self, camera: Camera, fault: CameraFault = CameraFault.NONE) -> None:
        self._camera = camera
        self._last: Frame | None = None
        self.fault = fault

    @property
    def name(self) -> str:
        """Name of the camera inside."""
        return self._camera.name

    @property
    def size(self) -> tuple[int, int]:
        """Size that the camera inside claims."""
        return self._camera.size

    def read(self) -> Frame | None:
        """The frame of the camera inside, with the fault."""
        frame = self._camera.read()
        if frame is None or self.fault is CameraFault.UNPLUGGED:
            return None
        kept = self._last if self.fault is CameraFault.FROZEN and self._last else frame
        self._last = kept
        faulty = replace(frame, image=kept.image)
        if self.fault is CameraFault.SKEWED:
            return replace(faulty, stamp_ns=faulty.stamp_ns - 500_000_000)
        if self.fault is CameraFault.WRONG_SIZE:
            return replace(faulty, image=np.ascontiguousarray(faulty.image[:-1]))
        return faulty

    def close(self) -> None:
        """Closes the camera inside."""
        self._camera.close()
