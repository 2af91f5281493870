"""A simulated robot under its own controller, tick by tick: how the tests of robots and of experts move it."""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim import experts
from segue_sim.disturbance import Disturbance
from segue_sim.episode import Episode
from segue_sim.experts.base import Expert

_AFTERWARDS = 5  # ticks that the judge still sees when the expert is done


class DrivenWorld:
    """A world at the start of `seed`, and its robot armed there."""

    def __init__(self, world: Episode, seed: int) -> None:
        self.world, self.controller, self._tick = world, RobotController(world.robot), count()
        world.reset(seed)
        self.controller.reset(world.joint_positions())
        self._period_s = 1.0 / world.robot.control_rate_hz
        self._updates = round(world.robot.control_rate_hz / world.robot.tick_rate_hz)

    def tick(self, action: Floats) -> None:
        """One tick of an action (D,)."""
        self.controller.set_target(action, next(self._tick))
        for _ in range(self._updates):
            step(self.controller, self.world, self._period_s)

    def action(self, position: tuple[float, ...], yaw: float = 0.0, opening: float = 1.0) -> Floats:
        """Of a robot with one arm: the tool at a point [m], as at home but turned by `yaw` about z [rad]."""
        space = self.world.robot.action_space
        action = np.zeros(space.dim)
        action[space.slice("arm_position")] = position
        action[space.slice("arm_rotation")] = (0.0, 0.0, yaw)
        action[space.slice("arm_gripper")] = opening
        return action

    def go(self, position: tuple[float, ...], yaw: float, ticks: int) -> None:
        """Be told `action` so often, open."""
        for _ in range(ticks):
            self.tick(self.action(position, yaw))

    def play(
        self, expert: Expert, limit: int, change: Callable[[Floats, bool], Floats] | None = None
    ) -> Iterator[int]:
        """The ticks of an expert until it is done, at most `limit`; `change` is what is done to its actions."""
        for tick in range(limit):
            action = expert.act()
            self.tick(change(action, expert.precise) if change else action)
            yield tick
            if expert.done:
                return


def demonstrate(robot: RobotConfig, task: TaskConfig, seed: int, disturbed: bool = False) -> TaskState:
    """How the task stands when its expert has done it, with noise and pushes if `disturbed`."""
    driven = DrivenWorld(Episode(robot, task, seed, render=False), seed)
    expert = experts.create(driven.world, seed)
    noise = Disturbance(robot.action_space, seed).apply if disturbed else None
    for _ in driven.play(expert, round(task.time_limit_s * robot.tick_rate_hz), noise):
        pass
    for _ in range(_AFTERWARDS):
        driven.tick(expert.act())
    return driven.world.task_state()
