"""Intel RealSense cameras through pyrealsense2, live or from one of their recordings."""

import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ConfigError, ErrorCode, PerceptionError
from segue_perception.camera import CameraFrame
from segue_perception.camera_config import Intrinsics
from segue_perception.drivers.base import NamedCamera

_QUEUED = 2  # newer frames push older ones out
_FIRST_FRAME_S = 5.0


class RealSenseOptions(StrictModel):
    """Options of the driver `realsense`."""

    serial: str = Field(default="", description="serial number; the only camera there is when empty")
    file: str = Field(
        default="", description="a recording of librealsense (.db3, .bag of older ones) instead of a camera"
    )
    width: int = Field(default=640, ge=16, le=4096, description="width of the colour stream [pixels]")
    height: int = Field(default=480, ge=16, le=4096, description="height of the colour stream [pixels]")
    rate_hz: int = Field(default=30, ge=1, le=300, description="frames per second of the colour stream")


def load_library() -> Any:
    """The library pyrealsense2.

    Raises:
        ConfigError: it is not installed, or libusb is missing; the text says what to install.
    """
    try:
        return importlib.import_module("pyrealsense2")
    except ImportError as error:
        do = "pip install --no-deps -r requirements/hardware.txt; sudo apt-get install libusb-1.0-0"
        text = f"RealSense cameras need pyrealsense2 and libusb ({error})"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from error


class RealSenseCamera(NamedCamera):
    """See `Camera`. Colour frames of a queue that `start` has somebody fill; `stop` ends that.

    Stamps are the camera's own where its clock is known to be the computer's (global time), else those of arrival;
    `now_ns` is the clock of arrival, and with `live` False the only one: what a recording says is long past.
    """

    def __init__(
        self,
        name: str,
        library: Any,
        start: Callable[[Any], Callable[[], None]],
        now_ns: Callable[[], int],
        *,
        live: bool = True,
    ) -> None:
        super().__init__(name, now_ns)
        self._rs, self._live = library, live
        self._queue = library.frame_queue(_QUEUED)
        self._stop: Callable[[], None] | None = start(self._queue)
        try:
            self._frame: CameraFrame | None = self._first()
        except PerceptionError:
            self.close()
            raise
        self._take_size(self._frame.image)

    def read(self) -> CameraFrame | None:
        """The newest frame since the last call, or None; silence is for the caller to notice."""
        newest, self._frame = self._frame, None
        while frame := self._queue.poll_for_frame():
            newest = self._convert(frame) or newest
        return newest

    def close(self) -> None:
        """Ends the stream."""
        if self._stop is not None:
            self._stop()
        self._stop = None

    def _first(self) -> CameraFrame:
        end = time.monotonic() + _FIRST_FRAME_S
        while time.monotonic() < end:
            try:
                frame = self._convert(self._queue.wait_for_frame(200))
            except RuntimeError:  # nothing came in that time
                continue
            if frame is not None:
                return frame
        raise PerceptionError(
            ErrorCode.FRAME_MISSING,
            f"camera '{self._name}': opened, and no colour frame in {_FIRST_FRAME_S:g} s",
        )

    def _convert(self, frame: Any) -> CameraFrame | None:
        colour = frame.as_frameset().get_color_frame() if frame.is_frameset() else frame.as_video_frame()
        if not colour or colour.get_profile().stream_type() != self._rs.stream.color:
            return None
        self.intrinsics = _intrinsics(colour.get_profile().as_video_stream_profile().get_intrinsics())
        return CameraFrame(self._rgb(colour), self._stamp_ns(colour))

    def _rgb(self, colour: Any) -> NDArray[np.uint8]:
        form = colour.get_profile().format()
        data = np.asanyarray(colour.get_data())
        if form == self._rs.format.rgb8:
            return np.array(data, dtype=np.uint8)
        if form == self._rs.format.bgr8:
            return np.ascontiguousarray(data[:, :, ::-1])
        raise PerceptionError(
            ErrorCode.FRAME_ENCODING, f"camera '{self._name}'", got=form, allowed=("rgb8", "bgr8")
        )

    def _stamp_ns(self, colour: Any) -> int:
        domains = self._rs.timestamp_domain
        if self._live and colour.get_frame_timestamp_domain() in (domains.global_time, domains.system_time):
            return round(float(colour.get_timestamp()) * 1e6)
        return self._now_ns()


def _intrinsics(given: Any) -> Intrinsics:
    return Intrinsics(fx=given.fx, fy=given.fy, cx=given.ppx, cy=given.ppy, distortion=tuple(given.coeffs))


def _pipeline(name: str, library: Any, options: RealSenseOptions) -> Callable[[Any], Callable[[], None]]:
    """Starts the colour stream of a device or a recording."""

    def start(queue: Any) -> Callable[[], None]:
        config = library.config()
        if options.file:
            library.config.enable_device_from_file(config, options.file, repeat_playback=True)
            config.enable_stream(library.stream.color)
        else:
            _refuse_absent(name, library, options.serial)
            if options.serial:
                config.enable_device(options.serial)
            config.enable_stream(
                library.stream.color, options.width, options.height, library.format.rgb8, options.rate_hz
            )
        pipeline = library.pipeline()
        try:
            pipeline.start(config, queue)
        except RuntimeError as error:
            raise PerceptionError(
                ErrorCode.FRAME_MISSING, f"camera '{name}': RealSense does not start: {error}"
            ) from error
        return lambda: _quietly(pipeline.stop)

    return start


def _refuse_absent(name: str, library: Any, serial: str) -> None:
    there = [
        device.get_info(library.camera_info.serial_number) for device in library.context().query_devices()
    ]
    if (serial and serial not in there) or (not serial and len(there) != 1):
        raise PerceptionError(
            ErrorCode.FRAME_MISSING,
            f"camera '{name}': RealSense {serial or 'without a serial number in its options'} not found",
            got=", ".join(there) or "none connected",
            do="use a USB 3 port and cable, and librealsense's udev rules (docs/hardware.md)",
        )


def _quietly(stop: Callable[[], None]) -> None:
    try:
        stop()
    except RuntimeError:  # it was unplugged; there is nothing left to stop
        return


def create(name: str, options: Mapping[str, Any], now_ns: Callable[[], int]) -> RealSenseCamera:
    """The driver `realsense`."""
    library = load_library()
    given = parse_model(options, RealSenseOptions, f"camera '{name}': options")
    return RealSenseCamera(name, library, _pipeline(name, library, given), now_ns, live=not given.file)
