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
    ChannelKind.POSITION: 0.01,  # [m]
    ChannelKind.ROTATION_VECTOR: 0.05,  # [rad]
    ChannelKind.QUATERNION: 0.05,
    ChannelKind.JOINT: 0.05,  # [rad]
    ChannelKind.GRIPPER: 0.10,
}
"""Smallest scale per kind: a dimension that hardly moves in the data must not turn its jitter into unit variance."""

ANCHORED: Mapping[ChannelKind, float] = {ChannelKind.POSITION: 0.06, ChannelKind.ROTATION_VECTOR: 0.30}
"""Kinds that are measured from the present state, with the largest scale of a row: far rows stay in fine units."""

IMAGE_GAIN = 4.0
"""Brings pixels of a usual picture, whose deviation from the mean is about 1/4, to unit variance."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Of the pictures that public vision models were trained on, which they expect."""

_FURTHEST = 1e6  # no number of a robot is as large, in any unit

_AXES = {
    "action_anchor": 1,
    "action_mean": 2,
    "action_scale": 2,
    "state_mean": 1,
    "state_scale": 1,
    "image_mean": 2,
}


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Statistics of one training set, float32.

    Args:
        action_anchor: (D,), 1 where an action is measured from the state, 0 where it is absolute.
        action_mean, action_scale: (H, D), in the units of the action space.
        state_mean, state_scale: (S,).
        image_mean: (cameras, 3), RGB in 0..1.
    """

    action_anchor: NDArray[np.float32]
    action_mean: NDArray[np.float32]
    action_scale: NDArray[np.float32]
    state_mean: NDArray[np.float32]
    state_scale: NDArray[np.float32]
    image_mean: NDArray[np.float32]

    def encode_actions(self, actions: Tensor, state: Tensor) -> Tensor:
        """Chunks `(B, n, D)` in physical units, seen from measured states `(B, S)`, to normalised, float32.

        Statistics are by row: those of the first n of H rows.
        """
        values = actions.float()
        return (values - self._origin(state, values)) / self._scale(values)

    def decode_actions(self, actions: Tensor, state: Tensor) -> Tensor:
        """Inverse of `encode_actions`: normalised (B, n, D) to actions [as the action space says]."""
        values = actions.float()
        return values * self._scale(values) + self._origin(state, values)

    def _scale(self, like: Tensor) -> Tensor:
        """Of the rows that there are, (n, D)."""
        return like.new_tensor(self.action_scale[: like.shape[-2]])

    def _origin(self, state: Tensor, like: Tensor) -> Tensor:
        """What a normalised zero means, (B, n, D)."""
        mean = like.new_tensor(self.action_mean[: like.shape[-2]])
        anchor = like.new_tensor(self.action_anchor)
        if not self.action_anchor.any():
            return mean.expand(len(state), -1, -1)
        return mean + (anchor * state.float())[:, None]

    def encode_state(self, state: Tensor) -> Tensor:
        """`(..., S)` physical units to normalised, float32."""
        values = state.float()
        return (values - values.new_tensor(self.state_mean)) / values.new_tensor(self.state_scale)

    def encode_images(self, images: Tensor) -> Tensor:
        """`(..., cameras, h, w, 3)` uint8 to `(..., cameras, 3, h, w)` float32; channels stay last in memory."""
        shares = (
            images / 255.0
        )  # its own from here on, and changed in place: copies of a batch leave the caches
        mean = shares.new_tensor(self.image_mean)[:, None, None, :]
        return shares.sub_(mean).mul_(IMAGE_GAIN).movedim(-1, -3)

    def decode_images(self, normalised: Tensor) -> Tensor:
        """The other way: `(..., cameras, 3, h, w)` to `(..., cameras, h, w, 3)` uint8."""
        shares = normalised.movedim(-3, -1) / IMAGE_GAIN
        shares = shares + shares.new_tensor(self.image_mean)[:, None, None, :]
        return (shares * 255.0).round().clamp(0, 255).byte()

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for `stats.json`."""
        return {name: getattr(self, name).tolist() for name in _AXES}

    @classmethod
    def from_dict(cls, data: Any) -> Normaliser:
        """Inverse of `to_dict`.

        Raises:
            PolicyError: CHECKPOINT_CORRUPT when a key is missing, not numeric, not finite, or a scale is not positive.
        """
        if not isinstance(data, Mapping):
            raise _corrupt(f"got {type(data).__name__}, expected a mapping")
        values = {name: _array(data, name, axes) for name, axes in _AXES.items()}
        for kind in ("action", "state"):
            mean, scale = values[f"{kind}_mean"], values[f"{kind}_scale"]
            if mean.shape != scale.shape or not (scale > 0).all():
                raise _corrupt(f"{kind}_scale must be positive and as long as {kind}_mean")
        for name, value in values.items():
            if np.abs(value).max() > _FURTHEST:
                raise _corrupt(f"{name}: {np.abs(value).max():g}, expected at most {_FURTHEST:g}")
        return cls(**values)


def fit_normaliser(
    chunks: NDArray[np.float32], state: NDArray[np.float32], images: NDArray[np.uint8], space: ActionSpace
) -> Normaliser:
    """Mean and deviation of chunks `(n, H, D)` from their states `(n, S)`, and of images `(m, cameras, h, w, 3)`.

    A state of the width of the action space is measured in the same numbers: poses are anchored at it.
    """
    same = state.shape[1] == space.dim
    anchor = np.concatenate([np.full(c.size, float(same and c.kind in ANCHORED)) for c in space.channels])
    floor = np.concatenate([np.full(c.size, FLOORS[c.kind]) for c in space.channels])
    ceiling = np.concatenate([np.full(c.size, ANCHORED.get(c.kind, np.inf)) for c in space.channels])
    ceiling = np.where(anchor > 0, ceiling, np.inf)
    relative = chunks - (anchor * state)[:, None] if same else chunks
    state_floor = floor if same else np.full(state.shape[1], 1e-2)
    return Normaliser(
        action_anchor=_float32(anchor),
        action_mean=_float32(relative.mean(axis=0, dtype=np.float64)),
        action_scale=_float32(np.clip(relative.std(axis=0, dtype=np.float64), floor, ceiling)),
        state_mean=_float32(state.mean(axis=0, dtype=np.float64)),
        state_scale=_float32(np.maximum(state.std(axis=0, dtype=np.float64), state_floor)),
        image_mean=_float32(images.mean(axis=(0, 2, 3), dtype=np.float64) / 255.0),
    )


def fit_absolute(
    actions: NDArray[np.float32], horizon: int, state: NDArray[np.float32], images: NDArray[np.uint8]
) -> Normaliser:
    """One mean and deviation per dimension of actions `(n, D)` and states `(n, S)`; nothing is anchored.

    Deviations are at least 0.01, as ACT's authors have it, so that a dimension at rest stays at rest.
    """
    mean, scale = (_float32(f(actions, axis=0, dtype=np.float64)) for f in (np.mean, np.std))
    return Normaliser(
        action_anchor=np.zeros_like(mean),
        action_mean=np.tile(mean, (horizon, 1)),
        action_scale=np.tile(np.maximum(scale, np.float32(0.01)), (horizon, 1)),
        state_mean=_float32(state.mean(axis=0, dtype=np.float64)),
        state_scale=_float32(np.maximum(state.std(axis=0, dtype=np.float64), 0.01)),
        image_mean=_float32(images.mean(axis=(0, 2, 3), dtype=np.float64) / 255.0),
    )


def _float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _array(data: Mapping[str, Any], name: str, ndim: int) -> NDArray[np.float32]:
    try:
        array = np.asarray(data[name], dtype=np.float32)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _corrupt(f"{name}: {error!r:.300}") from error
    if array.ndim != ndim or array.size == 0 or not np.isfinite(array).all():
        raise _corrupt(f"{name}: shape {array.shape} or a value that is not finite, expected {ndim} axes")
    return array


def _corrupt(text: str) -> PolicyError:
    return PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"stats.json: {text}")
