"""MuJoCo under the robot's own controller, as the plant that lockstep moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim.episode import Episode
from segue_sim.snapshot import take


class SimulatedPlant:
    """A `segue_core.world.Plant`: our world under the controller that drives the robot (interpolation, IK, guard).

    tick      k                              k+1
    update    |  1  |  2  |  3  |  4  |      |      (control_rate / tick_rate updates per tick)
    physics   |.....|.....|.....|.....|      |
    """

    def __init__(self, robot: RobotConfig, task: TaskConfig, *, render: bool = True) -> None:
        self._world = Episode(robot, task, seed=0, render=render)
        self._kinematics = Kinematics(robot)
        self._controller = RobotController(robot)
        self._updates = round(robot.control_rate_hz / robot.tick_rate_hz)
        self._dt = 1.0 / robot.control_rate_hz

    @property
    def world(self) -> Episode:
        """The simulated world, for judges and scripted experts."""
        return self._world

    def reset(self, seed: int) -> None:
        """Start episode `seed`, the controller holding the measured pose."""
        self._world.reset(seed)
        self._controller.reset(self._world.joint_positions(), self._world.gripper_positions())

    @contextmanager
    def imagined(self) -> Iterator[None]:
        """What is executed inside did not happen."""
        kept, self._controller = self._controller, self._controller.copy()
        try:
            with self._world.imagined():
                yield
        finally:
            self._controller = kept

    def measured(self) -> NDArray[np.float64]:
        """Forward kinematics of the measured joints, (14,)."""
        return self._kinematics.forward(self._world.joint_positions(), self._world.gripper_positions())

    def images(self) -> Mapping[str, NDArray[np.uint8]]:
        """One freshly rendered image per camera."""
        return self._world.render()

    def execute(self, action: NDArray[np.float64], tick: int) -> None:
        """One tick of control and physics."""
        self._controller.set_target(action, tick)
        for _ in range(self._updates):
            step(self._controller, self._world, self._dt)

    def task_state(self) -> TaskState:
        """What the simulator's judge says."""
        return self._world.task_state()

    def interventions(self) -> Mapping[str, int]:
        """The guard's counters."""
        return dict(self._controller.guard.counts)

    def world_state(self) -> NDArray[np.float64]:
        """MuJoCo's mjSTATE_INTEGRATION (n,)."""
        return take(self._world).values
