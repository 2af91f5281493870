"""Off-screen rendering of the robot's cameras."""

import atexit
import weakref
from collections.abc import Iterable, Mapping
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray


class PictureSize(Protocol):
    """How large a camera's picture is [pixels]: a `CameraConfig`, or less."""

    @property
    def width(self) -> int:
        """Of the picture."""
        ...

    @property
    def height(self) -> int:
        """Of the picture."""
        ...


class CameraRig:
    """Renders cameras of a model by their names there. Belongs to the thread that made it (an OpenGL context)."""

    def __init__(self, model: mujoco.MjModel, cameras: Mapping[str, PictureSize]) -> None:
        model.vis.quality.offsamples = 0
        sizes = {(camera.height, camera.width) for camera in cameras.values()}
        self._renderers = {size: mujoco.Renderer(model, *size) for size in sizes}
        for renderer in self._renderers.values():
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        # At the latest when the process ends. Registered after OpenGL was loaded, so called before it is unloaded;
        # finalize's own hook may be older than that.
        self._finalizer = weakref.finalize(self, _free, tuple(self._renderers.values()))
        self._finalizer.atexit = False
        atexit.register(self._finalizer)
        self._sizes = {name: (camera.height, camera.width) for name, camera in cameras.items()}

    def render(self, data: mujoco.MjData) -> dict[str, NDArray[np.uint8]]:
        """RGB pictures (height, width, 3) by camera name; the arrays belong to the caller."""
        pictures = {}
        for name, size in self._sizes.items():
            renderer = self._renderers[size]
            renderer.update_scene(data, camera=name)
            pictures[name] = renderer.render()
        return pictures

    def close(self) -> None:
        """Frees the OpenGL contexts."""
        self._finalizer()


def _free(renderers: Iterable[mujoco.Renderer]) -> None:
    for renderer in renderers:
        renderer.close()
