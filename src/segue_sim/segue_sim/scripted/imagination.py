"""A replica of the simulated world under the robot's own controller, in which an expert can act ahead of time.

An expert is a running script and cannot be copied. What can be kept is what it was shown: a new one that is shown the
same moments again does the same, and is then where the first one was. So any tick of the past can be gone on from.

    shown      m0   m1   m2   m3   m4   m5          moments, one per action
    acted      a0   a1   a2   a3   a4   a5
                         '-- branch(2): a new expert is shown m0 and m1 and goes on from there
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim import experts, snapshot
from segue_sim.episode import Episode
from segue_sim.experts import Expert
from segue_sim.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Moment:
    """What an expert saw before it acted, and the controller that its action was given to."""

    world: Snapshot
    task: TaskState
    controller: RobotController


class Imagination:
    """One episode as an expert lived through it, real or imagined. Not thread-safe."""

    def __init__(self, robot: RobotConfig, task: TaskConfig) -> None:
        self.world = Episode(robot, task, render=False)
        self._controller = RobotController(robot)
        self._updates = round(robot.control_rate_hz / robot.tick_rate_hz)
        self._dt = 1.0 / robot.control_rate_hz
        self.begin(snapshot.take(self.world))

    def begin(self, now: Snapshot) -> None:
        """A new episode, from what the world is like now, the robot at rest."""
        self.world.reset(now.seed)
        snapshot.put(self.world, now)
        self._controller.reset(self.world.joint_positions(), self.world.gripper_positions())
        self._start = now
        self._moments: list[Moment] = []
        self.actions: list[Floats] = []  # (D,) each, one per moment
        self._expert = self._new_expert()

    def _new_expert(self) -> Expert:
        snapshot.put(self.world, self._start)
        self.world.remembered = None
        return experts.create(self.world, self._start.seed)

    @property
    def done(self) -> bool:
        """The expert has nothing left to do."""
        return self._expert.done

    def controller_at(self, index: int) -> RobotController:
        """The controller as it was before action `index`, a copy; the last one's when that is not known."""
        if index < len(self._moments):
            return self._moments[index].controller.copy()
        return self._controller.copy()

    def branch(self, index: int) -> None:
        """Go on after action `index` - 1 as if nothing had been tried beyond it."""
        if index < len(self._moments):
            self._expert = self._new_expert()
            for moment in self._moments[:index]:
                snapshot.put(self.world, moment.world)
                self.world.remembered = moment.task
                self._expert.act()
            self.world.remembered = None
            del self._moments[index:], self.actions[index:]

    def set(self, now: Snapshot, controller: RobotController) -> None:
        """The world is like `now` under `controller`; the judge looks at it afresh."""
        snapshot.put(self.world, now)
        self.world.judge_anew()
        self._controller = controller

    def follow(self, action: Floats, tick: int) -> None:
        """Execute an action (D,) that somebody else decided on."""
        self._controller.set_target(action, tick)
        for _ in range(self._updates):
            step(self._controller, self.world, self._dt)
        snapshot.refresh(self.world)

    def act(self, tick: int) -> Floats:
        """The expert's next action (D,), executed and remembered."""
        state = self.world.task_state()
        self._moments.append(Moment(snapshot.take(self.world), state, self._controller.copy()))
        self.actions.append(np.asarray(self._expert.act(), dtype=np.float64))
        self.follow(self.actions[-1], tick)
        return self.actions[-1]
