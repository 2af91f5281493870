"""What drivers share: a name, a size, and the newest frame of a thread that blocks on a device."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from segue_core.errors import PerceptionError
from segue_perception.camera import CameraFrame


class FrameThread:
    """Calls `grab` again and again in a thread of its own and keeps the newest frame.

    `grab` may block for a frame; it returns None for one that is not worth keeping, and raises PerceptionError when
    the camera is lost, which the next `newest` raises. Nothing happens before `start`.
    """

    def __init__(self, name: str, grab: Callable[[], CameraFrame | None]) -> None:
        self._grab = grab
        self._lock = threading.Lock()
        self._frame: CameraFrame | None = None
        self._error: PerceptionError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)

    def start(self) -> None:
        """Begins to grab."""
        self._thread.start()

    def newest(self) -> CameraFrame | None:
        """The newest frame since the last call, or None; raises PerceptionError when the camera is lost."""
        with self._lock:
            if self._error is not None:
                raise self._error
            frame, self._frame = self._frame, None
            return frame

    def wait(self, seconds: float) -> None:
        """For `grab`: waits so long, or until the camera is closed."""
        self._ended.wait(seconds)

    def end(self) -> None:
        """Ends the thread; at most one more `grab` runs to its end."""
        self._ended.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                frame = self._grab()
            except PerceptionError as error:
                with self._lock:
                    self._error = error
                return
            if frame is not None:
                with self._lock:
                    self._frame = frame


class NamedCamera:
    """The part of `Camera` that is the same for every driver; `now_ns` is the clock of stamps."""

    def __init__(self, name: str, now_ns: Callable[[], int]) -> None:
        self._name, self._now_ns = name, now_ns
        self._size = 0, 0

    @property
    def name(self) -> str:
        """Name of the camera in the robot's contract."""
        return self._name

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of its frames [pixels]."""
        return self._size

    def _take_size(self, image: NDArray[Any]) -> None:
        """Frames are as large as `image` (h, w, 3), the first one."""
        self._size = int(image.shape[1]), int(image.shape[0])


class ThreadCamera(NamedCamera, ABC):
    """A camera whose device blocks: a driver opens it, calls `_begin` with its first picture, and has `_grab`."""

    def _begin(self, first: NDArray[Any]) -> None:
        self._take_size(first)
        self._thread = FrameThread(self._name, self._grab)
        self._thread.start()

    @abstractmethod
    def _grab(self) -> CameraFrame | None:
        """See `FrameThread`."""

    @abstractmethod
    def _release(self) -> None:
        """Lets go of the device; may be called twice."""

    def read(self) -> CameraFrame | None:
        """The newest frame since the last call, or None; raises PerceptionError when the camera is lost, or over."""
        return self._thread.newest()

    def close(self) -> None:
        """Ends the thread and lets go of the device."""
        self._thread.end()
        self._release()
