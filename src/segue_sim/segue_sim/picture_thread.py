"""The robot's cameras on a thread of their own, so that drawing does not hold up the clock."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.robot import CameraConfig
from segue_sim.cameras import CameraRig
from segue_sim.priority import give_up_priority

_DRAWN = (  # what a scene is made of; copying everything would take a millisecond
    "qpos", "mocap_pos", "mocap_quat", "xpos", "xquat", "xmat", "xipos", "ximat", "xanchor", "xaxis", "geom_xpos",
    "geom_xmat", "site_xpos", "site_xmat", "cam_xpos", "cam_xmat", "light_xpos", "light_xdir", "subtree_com",
    "ten_wrapadr", "ten_wrapnum", "ten_length", "wrap_obj", "wrap_xpos", "flexvert_xpos",
)  # fmt: skip

Pictures = Mapping[str, NDArray[np.uint8]]


class PictureThread:
    """Draws what the cameras see of a moment, while the world goes on from there.

    Called by one thread, which owns the world. At most one moment is being drawn: who wants the next one drawn waits
    until `busy` is False.

    Args:
        model: the world's; between `finish` and `take` its colours may be changed, otherwise not.
        finished: called on the drawing thread when a moment is drawn and shown.
    """

    def __init__(
        self, model: mujoco.MjModel, cameras: Mapping[str, CameraConfig], finished: Callable[[], object]
    ) -> None:
        self._model, self._finished = model, finished
        self._moment = mujoco.MjData(model)
        self._worker = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="pictures", initializer=give_up_priority
        )
        self._rig = self._worker.submit(CameraRig, model, cameras).result()  # OpenGL belongs to that thread
        self._drawing: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether the last moment is not drawn yet."""
        return self._drawing is not None and not self._drawing.done()

    def take(self, data: mujoco.MjData, show: Callable[[Pictures], None]) -> None:
        """Draw the moment that `data` is in and give the pictures to `show`, on the drawing thread.

        Raises whatever went wrong with the moment before.
        """
        self.finish()
        for name in _DRAWN:
            np.copyto(getattr(self._moment, name), getattr(data, name))
        self._drawing = self._worker.submit(self._draw, show)
        self._drawing.add_done_callback(lambda _: self._finished())

    def finish(self) -> None:
        """Wait until nothing is being drawn; raises what went wrong with it."""
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            drawing.result()

    def close(self) -> None:
        """Free the OpenGL contexts and end the thread."""
        self._worker.submit(self._rig.close).result()
        self._worker.shutdown()

    def _draw(self, show: Callable[[Pictures], None]) -> None:
        show(self._rig.render(self._moment))
