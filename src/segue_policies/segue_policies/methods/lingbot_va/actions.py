"""Actions of any arm in 30 numbers, and those to about -1..1.

0        7         14  15                          per arm: position 3, quaternion 4 (x y z w), joints 7, gripper 1
|pose    |joints   |g  |pose   |joints   |g  |     a single arm is the left one; what an arm has not is masked
'------- left ---------' '------ right ------'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from segue_core import rotation_xyzw
from segue_core.action_space import SINGLE_ARM, UNIVERSAL_DUAL_ARM, ActionSpace, Channel, ChannelKind
from segue_core.arrays import Floats
from segue_core.errors import ConfigError, ErrorCode

WIDTH = UNIVERSAL_DUAL_ARM.dim
QUANTILES = (0.01, 0.99)
_SMALLEST = 0.02
"""Half-range [m, rad or share] of a number that hardly moves in the data."""

_KINDS = {
    ChannelKind.POSITION: "position",
    ChannelKind.ROTATION_VECTOR: "orientation",
    ChannelKind.QUATERNION: "orientation",
    ChannelKind.JOINT: "joints",
    ChannelKind.GRIPPER: "gripper",
}


@dataclass(frozen=True)
class Universal:
    """Between an action space and the 30 numbers.

    Raises:
        ConfigError: a channel that has no place in them, such as a third arm's or an eighth joint's.
    """

    space: ActionSpace

    def __post_init__(self) -> None:
        taken = [place.start for place in map(self._place, self.space.channels)]
        if len(set(taken)) < len(taken):
            raise _no_place(self.space, self.space.channels[-1])

    @property
    def mask(self) -> Floats:
        """(30,), 1 where this space has a number."""
        mask = np.zeros(WIDTH)
        for channel in self.space.channels:
            mask[self._place(channel)] = 1.0
        return mask

    def encode(self, actions: Floats) -> Floats:
        """(..., D) to (..., 30); 0 where the space has nothing."""
        wide = np.zeros((*actions.shape[:-1], WIDTH))
        for channel in self.space.channels:
            part = actions[..., self.space.slice(channel.name)]
            turned = channel.kind is ChannelKind.ROTATION_VECTOR
            wide[..., self._place(channel)] = rotation_xyzw.xyzw_from_rotvec(part) if turned else part
        return wide

    def decode(self, wide: Floats) -> Floats:
        """(..., 30) to (..., D); quaternions are made unit ones."""
        actions = np.zeros((*wide.shape[:-1], self.space.dim))
        for channel in self.space.channels:
            part = wide[..., self._place(channel)]
            if channel.kind in (ChannelKind.ROTATION_VECTOR, ChannelKind.QUATERNION):
                part = rotation_xyzw.normalized(part)
            if channel.kind is ChannelKind.ROTATION_VECTOR:
                part = rotation_xyzw.rotvec_from_xyzw(part)
            actions[..., self.space.slice(channel.name)] = part
        return actions

    def alike(self, wide: Floats, reference: Floats) -> Floats:
        """`wide` (..., 30) with quaternions of the sign that is nearer to those of `reference` (30,)."""
        made: Floats = wide.copy()
        for side in ("left", "right"):
            part = UNIVERSAL_DUAL_ARM.slice(f"{side}_orientation")
            away = (made[..., part] @ reference[part]) < 0
            made[..., part] = np.where(away[..., None], -made[..., part], made[..., part])
        return made

    def _place(self, channel: Channel) -> slice:
        arm, _, _ = channel.name.rpartition("_")
        name = f"{'left' if arm == SINGLE_ARM else arm}_{_KINDS[channel.kind]}"
        if name not in UNIVERSAL_DUAL_ARM.slices:
            raise _no_place(self.space, channel)
        whole = UNIVERSAL_DUAL_ARM.slices[name]
        size = 4 if channel.kind is ChannelKind.ROTATION_VECTOR else channel.size
        if size > whole.stop - whole.start:
            raise _no_place(self.space, channel)
        return slice(whole.start, whole.start + size)


class ActionUnits(nn.Module):
    """The 1st and the 99th percentile of each of the 30 numbers, which are -1 and 1; kept with the weights."""

    low: Tensor
    high: Tensor
    mask: Tensor
    reference: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, value in (("low", -1.0), ("high", 1.0), ("mask", 1.0), ("reference", 0.0)):
            self.register_buffer(name, torch.full((WIDTH,), value))

    def fit(self, wide: Floats, mask: Floats) -> None:
        """From actions (F, 30) of the training part, with quaternions of one sign."""
        low, high = np.quantile(wide, QUANTILES, axis=0)
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, _SMALLEST)
        for buffer, values in (
            (self.low, middle - half), (self.high, middle + half), (self.mask, mask), (self.reference, wide[0]),
        ):  # fmt: skip
            buffer.copy_(torch.from_numpy(values))

    def of(self, universal: Universal, rows: Floats) -> Floats:
        """Normalised numbers (..., 30) of `rows` (..., D)."""
        wide = universal.alike(universal.encode(rows), self.reference.double().cpu().numpy())
        made: Floats = self.encode(torch.from_numpy(wide).to(self.low)).double().cpu().numpy()
        return made

    def encode(self, wide: Tensor) -> Tensor:
        """(..., 30) to normalised; 0 where masked."""
        return (2 * (wide - self.low) / (self.high - self.low) - 1) * self.mask

    def decode(self, normalised: Tensor) -> Tensor:
        """Inverse of `encode` where not masked, (..., 30) to the same shape."""
        return ((normalised + 1) / 2 * (self.high - self.low) + self.low) * self.mask


def _no_place(space: ActionSpace, channel: Channel) -> ConfigError:
    text = f"action space {space.name!r}: channel {channel.name!r} has no place in the 30 universal numbers"
    expected = "channels of the arms 'arm', 'left' and 'right': a pose, at most 7 joints and a gripper each"
    return ConfigError(
        ErrorCode.CONFIG_CONFLICT, text, got=f"{channel.kind}, {channel.size}", expected=expected
    )
