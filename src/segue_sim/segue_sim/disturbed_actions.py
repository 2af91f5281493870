"""What is executed instead of an expert's actions: tools are disturbed, whatever the robot's actions speak about."""

from __future__ import annotations

from segue_core.arrays import Floats
from segue_sim.disturbance import Disturbance, DisturbanceConfig
from segue_sim.experts.own_space import OwnSpace, Posed


class DisturbedActions:
    """A disturbance of the tool poses that actions bring about, one sample per tick."""

    def __init__(self, world: Posed, seed: int, config: DisturbanceConfig | None = None) -> None:
        self._own = OwnSpace(world)
        self._disturbance = Disturbance(self._own.poses, seed, config)

    def apply(self, action: Floats, precise: bool) -> Floats:
        """The disturbed action (D,); see `Disturbance.apply`."""
        return self._own.action(self._disturbance.apply(self._own.poses_of(action), precise))
