"""Opening a drawer: Legato, Table A.1.

drawer open                                 +10
cabinet pushed                               -1, at most -3
empty grasp                                  -1, at most -3
incorrect pulling direction                  -1, at most -3
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.task_state import TaskState
from segue_sim.parts.cabinet import Cabinet
from segue_sim.scores.base import Grasps, Penalties, goal_of, summary
from segue_sim.world import World

_PUSHED_M = 0.015
_PULLED_M = 0.03  # a pull's direction is judged once the hand has gone this far with the handle
_ASTRAY = 0.5**0.5  # cosine of the largest angle between a pull and the drawer's way out


class DrawerGoal(StrictModel):
    """Which drawer, and how far."""

    drawer: int = Field(default=2, ge=1, le=100, description="the drawer to open, the highest is 1")
    open_m: Positive = Field(default=0.08, description="open from here on [m]")


def astray(pull: Floats, outward: Floats) -> bool:
    """Whether a hand that moved by `pull` (3,) [m] goes another way than `outward`, a unit vector (3,)."""
    length = float(np.linalg.norm(pull))
    return length > _PULLED_M and float(pull @ outward) < _ASTRAY * length


class Drawer:
    """Success: the drawer is out far enough."""

    def __init__(self, world: World) -> None:
        self._world, self._goal = world, goal_of(DrawerGoal, world.task)
        self._cabinet = world.part("cabinet", Cabinet)
        self._penalties = Penalties()
        self._grasps = Grasps(world, self._penalties)
        self._stood = self._cabinet.position(world.data)
        self._pulls: dict[str, Floats] = {}

    def update(self) -> None:
        """One tick: grasps, the way of every pull, and where the cabinet stands."""
        self._grasps.update()
        tools = dict(zip(self._world.robot.gripper_names, self._world.tool_positions(), strict=True))
        for gripper in self._grasps.new:
            self._pulls[gripper] = tools[gripper]
        for gripper, start in list(self._pulls.items()):
            self._follow(gripper, tools[gripper] - start)
        stands = self._cabinet.position(self._world.data)
        if np.linalg.norm(stands - self._stood) > _PUSHED_M:
            self._penalties.add("cabinet pushed")
            self._stood = stands

    def _follow(self, gripper: str, pull: Floats) -> None:
        if self._grasps.held[gripper] is None:
            del self._pulls[gripper]
        elif astray(pull, self._cabinet.outward(self._world.data)):
            self._penalties.add("incorrect pulling direction")
            del self._pulls[gripper]

    def state(self) -> TaskState:
        """How far the drawer is open."""
        out = self._cabinet.opening(self._world.data, self._goal.drawer)
        done = out >= self._goal.open_m
        text = summary(f"drawer {self._goal.drawer} open by {1e3 * out:.0f} mm", self._penalties)
        return TaskState(done, 10.0 * done - self._penalties.lost, int(done), 1, text)


def create(world: World) -> Drawer:
    """The judge of a task with a cabinet called `cabinet`."""
    return Drawer(world)
