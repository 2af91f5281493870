"""USB cameras, network streams and video files, through OpenCV."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ErrorCode, PerceptionError
from segue_perception.camera import CameraFrame
from segue_perception.drivers.base import ThreadCamera

_FORMAT = 4  # letters of a pixel format


class UsbOptions(StrictModel):
    """Options of the driver `usb`."""

    device: str = Field(
        description="/dev/v4l/by-id/..., the number of a camera, the address of a stream, or a video file"
    )
    width: int = Field(default=640, ge=16, le=8192, description="width to ask the camera for [pixels]")
    height: int = Field(default=480, ge=16, le=8192, description="height to ask the camera for [pixels]")
    rate_hz: float = Field(default=30.0, gt=0, le=1000, description="frames per second to ask for")
    pixel_format: str = Field(default="MJPG", description="four letters; most cameras need MJPG for 30 Hz")
    loop: bool = Field(default=True, description="a video file begins anew when it is over")


class UsbCamera(ThreadCamera):
    """See `Camera`. A video file plays at its own pace."""

    def __init__(self, name: str, options: UsbOptions, now_ns: Callable[[], int]) -> None:
        super().__init__(name, now_ns)
        self._options = options
        number = options.device.isdigit()
        self._capture = cv2.VideoCapture(int(options.device) if number else options.device)
        if not self._capture.isOpened():
            raise PerceptionError(
                ErrorCode.FRAME_MISSING,
                f"camera '{name}': {options.device} cannot be opened",
                do="plug it in, be in the group `video`, end other programs that use it; "
                "`v4l2-ctl --list-devices` lists what there is",
            )
        self._file = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        if not self._file:
            self._ask_for_format()
        first = self._first_frame()
        self._due_s = time.monotonic()
        self._begin(first)

    def _release(self) -> None:
        self._capture.release()

    def _ask_for_format(self) -> None:
        letters = self._options.pixel_format
        if len(letters) == _FORMAT:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*letters))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._options.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._options.height)
        self._capture.set(cv2.CAP_PROP_FPS, self._options.rate_hz)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def _first_frame(self) -> NDArray[Any]:
        came, frame = self._capture.read()
        if not came:
            raise PerceptionError(
                ErrorCode.FRAME_MISSING,
                f"camera '{self._name}': {self._options.device} opens and sends nothing",
            )
        return np.asarray(frame)

    def _grab(self) -> CameraFrame | None:
        if self._file:
            self._keep_pace()
        came, frame = self._capture.read()
        if not came and self._file and self._options.loop:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            came, frame = self._capture.read()
        if not came:
            what = "is over" if self._file else "was unplugged, or another program took it"
            raise PerceptionError(
                ErrorCode.FRAME_MISSING, f"camera '{self._name}': {self._options.device} {what}"
            )
        return CameraFrame(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8), self._now_ns())

    def _keep_pace(self) -> None:
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS) or self._options.rate_hz
        now_s = time.monotonic()
        self._due_s = max(self._due_s + 1.0 / rate_hz, now_s - 1.0 / rate_hz)
        if self._due_s > now_s:
            self._thread.wait(self._due_s - now_s)


def create(name: str, options: Mapping[str, Any], now_ns: Callable[[], int]) -> UsbCamera:
    """The driver `usb`."""
    return UsbCamera(name, parse_model(options, UsbOptions, f"camera '{name}': options"), now_ns)
