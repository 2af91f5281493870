"""Disturbances for demonstrations: what is executed differs from what the expert asked for.

The recorded label stays the expert's clean action, so a policy learns to come back from where it should not be
(noise injection as in DART, Laskey et al. 2017). The noise is smooth: a slow random walk plus rare pushes.
"""

from dataclasses import dataclass

import numpy as np

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats


@dataclass(frozen=True)
class DisturbanceConfig:
    """Size of the disturbance.

    Standard deviations hold for the slow noise, `push_m` bounds a push. A snap closes an open gripper for a moment:
    so demonstrations show how to go on from a grasp of nothing.
    """

    position_m: float = 0.008
    yaw_rad: float = 0.05
    correlation_ticks: float = 15.0
    push_m: float = 0.04
    push_every_ticks: float = 120.0
    push_ticks: int = 20
    snap_every_ticks: float = 200.0
    snap_ticks: int = 12


class Disturbance:
    """Smooth noise on positions and yaw of every arm, one sample per tick."""

    def __init__(self, space: ActionSpace, seed: int, config: DisturbanceConfig | None = None) -> None:
        self._config = config or DisturbanceConfig()
        self._rng = np.random.default_rng([seed, 11])
        self._position = [space.slice(c.name) for c in space.channels if c.kind is ChannelKind.POSITION]
        self._yaw = [
            space.slice(c.name).stop - 1 for c in space.channels if c.kind is ChannelKind.ROTATION_VECTOR
        ]
        self._scale = np.zeros(space.dim)
        for part in self._position:
            self._scale[part] = self._config.position_m
        self._scale[self._yaw] = self._config.yaw_rad
        self._walk, self._push = np.zeros(space.dim), np.zeros(space.dim)
        self._push_left, self._gain = 0, 0.0
        self._grippers = [space.slice(c.name).start for c in space.channels if c.kind is ChannelKind.GRIPPER]
        self._snap_left = dict.fromkeys(self._grippers, 0)

    def apply(self, action: Floats, precise: bool) -> Floats:
        """The disturbed action; fades out within a few ticks while `precise` work is done."""
        keep = np.exp(-1.0 / self._config.correlation_ticks)
        self._walk = keep * self._walk + np.sqrt(1 - keep**2) * self._scale * self._rng.normal(
            size=action.shape
        )
        self._maybe_push(action.shape)
        self._gain += (float(not precise) - self._gain) * 0.25
        return self._snap(action + self._gain * (self._walk + self._bump()))

    def _snap(self, action: Floats) -> Floats:
        for gripper, left in self._snap_left.items():
            starts = (
                left == 0
                and action[gripper] > 0.5
                and self._rng.random() < 1.0 / self._config.snap_every_ticks
            )
            self._snap_left[gripper] = self._config.snap_ticks if starts else max(0, left - 1)
            if self._snap_left[gripper]:
                action[gripper] = 0.0
        return action

    def _maybe_push(self, shape: tuple[int, ...]) -> None:
        self._push_left = max(0, self._push_left - 1)
        if self._push_left == 0 and self._rng.random() < 1.0 / self._config.push_every_ticks:
            self._push_left = self._config.push_ticks
            self._push = np.zeros(shape)
            part = self._position[int(self._rng.integers(len(self._position)))]
            self._push[part] = self._rng.uniform(-1, 1, 3) * self._config.push_m

    def _bump(self) -> Floats:
        """The push, rising and falling as half a sine."""
        phase = 1.0 - self._push_left / self._config.push_ticks
        return self._push * np.sin(np.pi * phase) if self._push_left else np.zeros_like(self._push)
