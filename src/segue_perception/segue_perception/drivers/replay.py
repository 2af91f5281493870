"""The pictures of a recorded episode again, at the pace at which they were recorded."""

import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from segue_core.arrays import Rgb
from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ErrorCode, PerceptionError
from segue_perception.camera import CameraFrame
from segue_perception.colours import decompressed, to_rgb
from segue_perception.drivers.base import ThreadCamera


class ReplayOptions(StrictModel):
    """Options of the driver `replay`."""

    bag: str = Field(description="folder of a rosbag2 recording")
    topic: str = Field(default="", description="picture topic; /<camera>_camera/image_raw when empty")
    loop: bool = Field(default=True, description="begin anew when it is over")


class ReplayCamera(ThreadCamera):
    """See `Camera`. Stamps are those of now: the recording's own are long past."""

    def __init__(self, name: str, options: ReplayOptions, now_ns: Callable[[], int]) -> None:
        super().__init__(name, now_ns)
        self._options = options
        self._frames = self._play()
        self._began_s, self._first_ns = time.monotonic(), -1
        first = next(self._frames, None)
        if first is None:
            raise PerceptionError(
                ErrorCode.FRAME_MISSING,
                f"camera '{name}': no pictures on {self._topics()[0]} in {options.bag}",
            )
        self._begin(first[1])

    def _release(self) -> None:
        self._frames.close()

    def _topics(self) -> tuple[str, str]:
        topic = self._options.topic or f"/{self._name}_camera/image_raw"
        return topic, f"{topic}/compressed"

    def _play(self) -> Generator[tuple[int, Rgb], None, None]:
        """Log times [ns] and pictures, once through the recording."""
        store = get_typestore(Stores.ROS2_KILTED)
        try:
            with AnyReader([Path(self._options.bag)], default_typestore=store) as reader:
                wanted = [link for link in reader.connections if link.topic in self._topics()]
                for link, log_ns, data in reader.messages(wanted) if wanted else ():
                    yield log_ns, self._picture(reader.deserialize(data, link.msgtype))
        except (AnyReaderError, OSError) as error:
            raise PerceptionError(
                ErrorCode.FRAME_MISSING, f"camera '{self._name}': {self._options.bag} cannot be read: {error}"
            ) from error

    def _picture(self, message: Any) -> Rgb:
        try:
            return decompressed(message.data) if hasattr(message, "format") else to_rgb(message)
        except PerceptionError as error:
            raise PerceptionError(error.code, f"camera '{self._name}': {error.text}") from error

    def _grab(self) -> CameraFrame | None:
        found = next(self._frames, None)
        if found is None:
            self._begin_anew()
            return None
        log_ns, image = found
        if self._first_ns < 0:
            self._began_s, self._first_ns = time.monotonic(), log_ns
        due_s = self._began_s + (log_ns - self._first_ns) * 1e-9
        self._thread.wait(max(0.0, due_s - time.monotonic()))
        return CameraFrame(image, self._now_ns())

    def _begin_anew(self) -> None:
        if not self._options.loop:
            raise PerceptionError(ErrorCode.FRAME_MISSING, f"camera '{self._name}': the recording is over")
        self._frames, self._first_ns = self._play(), -1


def create(name: str, options: Mapping[str, Any], now_ns: Callable[[], int]) -> ReplayCamera:
    """The driver `replay`."""
    return ReplayCamera(name, parse_model(options, ReplayOptions, f"camera '{name}': options"), now_ns)
