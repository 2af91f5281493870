"""The seam for cameras: whatever takes pictures implements `Camera`; in the ROS graph a topic stands in."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CameraFrame:
    """One picture: `image` uint8 (h, w, 3) RGB, never modified; exposed at `stamp_ns` on the run's clock."""

    image: NDArray[np.uint8]
    stamp_ns: int


class Camera(Protocol):
    """A camera driver. One thread; open after construction, `close` may be called twice.

    The simulated world's renderer, USB cameras, RealSense and replay from a bag all fit this contract.
    """

    @property
    def name(self) -> str:
        """Name of the camera in the robot's contract."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of its frames [pixels]."""
        ...

    def read(self) -> CameraFrame | None:
        """The newest frame since the last call, or None; never blocks.

        Raises:
            PerceptionError: the camera is lost.
        """
        ...

    def close(self) -> None:
        """Releases the device."""
        ...
