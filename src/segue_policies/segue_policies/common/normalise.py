"""Normalisation from training data: one object fits, trains and serves.

normalised = (value - mean) / scale          images: (pixel / 255 - mean) * IMAGE_GAIN
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.errors import ErrorCode, PolicyError

if TYPE_CHECKING:
    from torch import Tensor

FLOORS: Mapping[ChannelKind, float] = {
    ChannelKind.POSITION: 0.02,  # [m]
    ChannelKind.ROTATION_VECTOR: 0.10,  # [rad]
    ChannelKind.QUATERNION: 0.05,
    ChannelKind.JOINT: 0.05,  # [rad]
    ChannelKind.GRIPPER: 0.10,
}
"""Smallest scale per kind: a dimension that hardly moves in the data must not turn its jitter into unit variance."""

IMAGE_GAIN = 4.0
"""Brings pixels of a usual picture, whose deviation from the mean is about 1/4, to unit variance."""

_VECTORS = ("action_mean", "action_scale", "state_mean", "state_scale")


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Statistics of one training set, float32.

    Args:
        action_mean, action_scale: (D,), in the units of the action space.
        state_mean, state_scale: (S,).
        image_mean: (cameras, 3), RGB in 0..1.
    """

    action_mean: NDArray[np.float32]
    action_scale: NDArray[np.float32]
    state_mean: NDArray[np.float32]
    state_scale: NDArray[np.float32]
    image_mean: NDArray[np.float32]

    def encode_actions(self, actions: Tensor) -> Tensor:
        """`(..., D)` physical units to normalised, float32."""
        values = actions.float()
        return (values - values.new_tensor(self.action_mean)) / values.new_tensor(self.action_scale)

    def decode_actions(self, actions: Tensor) -> Tensor:
        """Inverse of `encode_actions`."""
        values = actions.float()
        return values * values.new_tensor(self.action_scale) + values.new_tensor(self.action_mean)

    def encode_state(self, state: Tensor) -> Tensor:
        """`(..., S)` physical units to normalised, float32."""
        values = state.float()
        return (values - values.new_tensor(self.state_mean)) / values.new_tensor(self.state_scale)

    def encode_images(self, images: Tensor) -> Tensor:
        """`(B, cameras, h, w, 3)` uint8 to `(B, cameras, 3, h, w)` float32, without moving the channels in memory."""
        pixels = images.float()
        mean = pixels.new_tensor(self.image_mean)[:, None, None, :]
        return ((pixels / 255.0 - mean) * IMAGE_GAIN).permute(0, 1, 4, 2, 3)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for `stats.json`."""
        return {name: getattr(self, name).tolist() for name in (*_VECTORS, "image_mean")}

    @classmethod
    def from_dict(cls, data: Any) -> Normaliser:
        """Inverse of `to_dict`.

        Raises:
            PolicyError: CHECKPOINT_CORRUPT when a key is missing, not numeric, not finite, or a scale is not positive.
        """
        if not isinstance(data, Mapping):
            raise _corrupt(f"got {type(data).__name__}, expected a mapping")
        values = {name: _array(data, name, 1) for name in _VECTORS}
        for kind in ("action", "state"):
            mean, scale = values[f"{kind}_mean"], values[f"{kind}_scale"]
            if mean.shape != scale.shape or not (scale > 0).all():
                raise _corrupt(f"{kind}_scale must be positive and as long as {kind}_mean")
        return cls(image_mean=_array(data, "image_mean", 2), **values)


def fit_normaliser(
    actions: NDArray[np.float32], state: NDArray[np.float32], images: NDArray[np.uint8], space: ActionSpace
) -> Normaliser:
    """Mean and deviation of actions `(F, D)`, state `(F, S)` and images `(F', cameras, h, w, 3)`.

    A state of the width of the action space is measured in the same numbers and gets the same floors.
    """
    floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in space.channels])
    state_floor = floor if state.shape[1] == space.dim else np.full(state.shape[1], 1e-2)
    return Normaliser(
        action_mean=_float32(actions.mean(axis=0, dtype=np.float64)),
        action_scale=_float32(np.maximum(actions.std(axis=0, dtype=np.float64), floor)),
        state_mean=_float32(state.mean(axis=0, dtype=np.float64)),
        state_scale=_float32(np.maximum(state.std(axis=0, dtype=np.float64), state_floor)),
        image_mean=_float32(images.mean(axis=(0, 2, 3), dtype=np.float64) / 255.0),
    )


def _float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _array(data: Mapping[str, Any], name: str, ndim: int) -> NDArray[np.float32]:
    try:
        array = np.asarray(data[name], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(f"{name}: {error!r}") from error
    if array.ndim != ndim or array.size == 0 or not np.isfinite(array).all():
        raise _corrupt(f"{name}: shape {array.shape} or a value that is not finite, expected {ndim} axes")
    return array


def _corrupt(text: str) -> PolicyError:
    return PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"stats.json: {text}")
