"""Keeps a camera open: what is lost is opened again, for as long as it takes. Pure but for what `open_camera` does."""

from collections.abc import Callable

from segue_core.errors import ErrorCode, PerceptionError
from segue_perception.camera import Camera, CameraFrame


class ReconnectingCamera:
    """A camera that may be unplugged.

    Args:
        open_camera: opens it, or raises PerceptionError.
        silence_s: it is lost when it has sent nothing for so long.
        retry_s: pause before it is opened again.

    Attributes:
        error: why there are no frames now, or None.
        losses: how often it was lost.
    """

    def __init__(
        self, name: str, open_camera: Callable[[], Camera], silence_s: float, retry_s: float
    ) -> None:
        self.name = name
        self._open, self._silence_s, self._retry_s = open_camera, silence_s, retry_s
        self._camera: Camera | None = None
        self._heard_s = self._tried_s = -float("inf")
        self.error: PerceptionError | None = None
        self.losses = 0

    @property
    def camera(self) -> Camera | None:
        """The open camera, or None while it is lost."""
        return self._camera

    def open(self, now_s: float) -> None:
        """Opens it; raises PerceptionError when it is not there."""
        self._tried_s = now_s
        self._camera = self._open()
        self._heard_s, self.error = now_s, None

    def read(self, now_s: float) -> CameraFrame | None:
        """The newest frame, or None; never raises: `error` says what is wrong."""
        if self._camera is None:
            self._try_again(now_s)
            return None
        try:
            frame = self._camera.read()
        except PerceptionError as error:
            self._lose(error, now_s)
            return None
        if frame is not None:
            self._heard_s = now_s
        elif now_s - self._heard_s > self._silence_s:
            silent = f"{now_s - self._heard_s:.1f} s"
            text = f"camera '{self.name}' is silent"
            self._lose(PerceptionError(ErrorCode.FRAME_STALE, text, got=silent), now_s)
        return frame

    def close(self) -> None:
        """Lets the camera go. May be called twice."""
        if self._camera is not None:
            self._camera.close()
        self._camera = None

    def _lose(self, error: PerceptionError, now_s: float) -> None:
        self.close()
        self.losses += 1
        self.error, self._tried_s = error, now_s

    def _try_again(self, now_s: float) -> None:
        if now_s - self._tried_s < self._retry_s:
            return
        try:
            self.open(now_s)
        except PerceptionError as error:
            self.error = error
