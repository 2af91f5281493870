"""Taking a bowl by its rim: where the hand goes, and how it is turned, for an arm on either side.

The fingers close across the wall, parallel to it, so the hand leans outwards as the wall does. Facets of the wall are
flat: the hand takes the middle of one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_sim.bowl import FACETS, HEIGHT, LEAN, RIM_RADIUS, WALL

_DEPTH_M = 0.007  # of the tool below the rim, along the wall
_HAND_M = 0.13  # how far beyond the rim the outer edge of the hand reaches
_WIDE_RAD = 1.2  # largest turn away from the side that is wanted


@dataclass(frozen=True)
class RimGrasp:
    """Where the tool takes a bowl, seen from the bowl's foot, and how it is turned (from pointing down)."""

    offset: Floats
    turn: Wxyz
    angle: float


def rim_grasp(angle: float, side: float) -> RimGrasp:
    """The grasp at `angle` [rad] around the bowl (0 along x) for an arm on the left (side 1) or right (-1)."""
    outward = np.array([np.cos(angle), np.sin(angle), 0.0])
    along = outward * np.sin(LEAN) + np.array([0.0, 0.0, np.cos(LEAN)])  # up the wall
    rim = outward * (RIM_RADIUS - WALL / 2) + np.array([0.0, 0.0, HEIGHT])
    yaw = angle - side * np.pi / 2  # at its own side the hand needs no turn
    lean = rotation_wxyz.from_rotation_vector((-side * LEAN, 0.0, 0.0))
    turn = rotation_wxyz.multiply(rotation_wxyz.from_rotation_vector((0.0, 0.0, yaw)), lean)
    return RimGrasp(rim - _DEPTH_M * along, turn, angle)


def best_angle(at: Floats, yaw: float, wanted: float, others: Iterable[Floats]) -> float:
    """The facet's angle that is nearest to `wanted` [rad] and leaves the hand room between `others` (3,)."""
    angles = [yaw + 2 * np.pi * facet / FACETS for facet in range(FACETS)]
    away = {angle: abs((angle - wanted + np.pi) % (2 * np.pi) - np.pi) for angle in angles}
    near = [angle for angle in angles if away[angle] < _WIDE_RAD]
    spots = [other[:2] for other in others]

    def cost(angle: float) -> float:
        hand = at[:2] + _HAND_M * np.array([np.cos(angle), np.sin(angle)])
        crowd = sum(max(0.0, 0.13 - float(np.linalg.norm(hand - spot))) for spot in spots)
        return away[angle] + 40.0 * crowd

    return min(near, key=cost)
