"""What a policy sees at one tick."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ErrorCode, PerceptionError


@dataclass(frozen=True, eq=False)
class Observation:
    """A synchronised sample.

    Args:
        tick: control tick of the sample.
        state: measured state (S,), float32; for `dual_arm_ee` the 14 numbers of the action space.
        images: camera name to RGB image, uint8 (h, w, 3).
    """

    tick: int
    state: NDArray[np.float32]
    images: Mapping[str, NDArray[np.uint8]]

    def __post_init__(self) -> None:
        state = np.asarray(self.state, dtype=np.float32)
        if state.ndim != 1:
            raise PerceptionError(
                ErrorCode.STATE_CORRUPT, "state is not a vector", got=state.shape, expected="(S,)"
            )
        if not np.isfinite(state).all():
            raise PerceptionError(ErrorCode.STATE_CORRUPT, "state is not finite", got=state.tolist())
        object.__setattr__(self, "state", state)
        for name, image in self.images.items():
            _check_image(name, image)


def _check_image(name: str, image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}"
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, f"image {name!r}", got=got, expected="uint8 (h, w, 3)")
