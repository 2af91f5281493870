"""What drivers share: the newest frame of a thread that blocks on a device."""

import threading
from collections.abc import Callable

from segue_core.errors import PerceptionError
from segue_perception.camera import Frame


class FrameThread:
    """Calls `grab` again and again in a thread of its own and keeps the newest frame.

    `grab` may block for a frame; it returns None for one that is not worth keeping, and raises PerceptionError when
    the camera is lost, which the next `newest` raises. Nothing happens before `start`.
    """

    def __init__(self, name: str, grab: Callable[[], Frame | None]) -> None:
        self._grab = grab
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._error: PerceptionError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)

    def start(self) -> None:
        """Begins to grab."""
        self._thread.start()

    def newest(self) -> Frame | None:
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
