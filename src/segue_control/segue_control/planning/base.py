"""The interface of planners."""

from typing import Protocol

from segue_control.planning.scene import Scene
from segue_control.planning.trajectory import JointTrajectory
from segue_core.arrays import Floats


class Planner(Protocol):
    """Finds moves of all arms together. Made for one robot; not thread safe; takes up to `search_s` seconds."""

    def plan(self, start: Floats, goal: Floats, scene: Scene) -> JointTrajectory:
        """A move from rest at `start` to rest at `goal`, joints (n,) [rad] in the contract's order.

        It keeps the joints' limits, scaled by the contract's shares, and touches neither the robot itself nor
        `scene`.

        Raises:
            ControlError: CONTROL_NOT_FINITE or CONTROL_WRONG_SHAPE for a malformed pose, CONTROL_LIMIT for a joint
                outside its limits, CONTROL_COLLISION when a pose or every way that was found touches something; the
                text names what would touch what.
        """
        ...
