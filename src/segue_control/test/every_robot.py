"""Every robot contract there is, with every kind of controller that fits it, and bodies that obey it ideally."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from segue_control.commands import JointCommand
from segue_control.controller import RobotController
from segue_control.robot.dynamics import Dynamics
from segue_core.action_space import ACTION_SPACES
from segue_core.contracts.base import load_yaml, parse_model
from segue_core.contracts.checks import POSE_NUMBERS
from segue_core.contracts.controller import Interface, Targets, fitting, kind_of, targets_of
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError

FOLDER = Path(__file__).parents[3] / "config" / "robots"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def contract(name: str) -> RobotConfig:
    """The contract as it is shipped."""
    path = FOLDER / f"{name}.yaml"
    return load_yaml(path.read_text(encoding="utf-8"), RobotConfig, path.name)


def with_kind(robot: RobotConfig, kind: str, space: str) -> RobotConfig:
    """The same robot with another controller and action space; raises ConfigError where they do not fit."""
    data = robot.model_dump(mode="json", exclude_none=True)
    return parse_model(
        data | {"controller": {"kind": kind}, "action_space_name": space}, RobotConfig, robot.name
    )


@dataclass(frozen=True)
class Case:
    """A robot with a kind of controller and the space that its actions are in."""

    name: str
    kind: str
    space: str

    def __str__(self) -> str:
        return f"{self.name}-{self.kind}-{self.space}"

    def robot(self) -> RobotConfig:
        """The contract of the case."""
        return _robot(self)

    def controller(self) -> RobotController:
        """A controller armed at the home pose."""
        built = _built(self).copy()
        built.reset(built.kinematics.home)
        return built


@cache
def _robot(case: Case) -> RobotConfig:
    return with_kind(contract(case.name), case.kind, case.space)


@cache
def _built(case: Case) -> RobotController:
    return RobotController(_robot(case))


def _cases(name: str) -> list[Case]:
    robot, cases = contract(name), []
    for space in ACTION_SPACES.values():
        for kind in fitting(space):
            try:
                with_kind(robot, kind_of(kind), space.name)
            except ConfigError:
                continue
            cases.append(Case(name, kind_of(kind), space.name))
    return cases


CASES = [case for name in NAMES for case in _cases(name)]
SHIPPED = [Case(n, contract(n).control.kind, contract(n).action_space_name) for n in NAMES]
"""Every robot as it is shipped."""


class IdealBody:
    """Joints that do what they are told; torques move them by the robot's own inertia, with a little friction."""

    def __init__(self, robot: RobotConfig, q: np.ndarray) -> None:
        self.q, self.v = q.copy(), np.zeros_like(q)
        self._h = 1.0 / robot.control_rate_hz
        told_torques = robot.control.interface is Interface.EFFORT
        self._dynamics = _dynamics(robot.name) if told_torques else None

    def follow(self, command: JointCommand) -> None:
        """One control period."""
        if command.efforts is not None and self._dynamics is not None:
            self._fall(command.efforts)
        elif command.velocities is not None:
            self.v = command.velocities.copy()
            self.q = self.q + self.v * self._h
        else:
            self.v, self.q = (command.q - self.q) / self._h, command.q.copy()

    def _fall(self, efforts: np.ndarray, substeps: int = 4) -> None:
        assert self._dynamics is not None
        h = self._h / substeps
        for _ in range(substeps):
            mass, bias = self._dynamics.at(self.q, self.v)
            friction = np.diag(np.full(len(self.q), 0.5))
            self.v = np.linalg.solve(mass + h * friction, mass @ self.v + h * (efforts - bias))
            self.q = self.q + h * self.v


@cache
def _dynamics(name: str) -> Dynamics:
    return Dynamics(contract(name), gravity=False)


class Rig:
    """A controller and its ideal body."""

    def __init__(self, case: Case) -> None:
        self.robot = case.robot()
        self.controller = case.controller()
        self.body = IdealBody(self.robot, self.controller.kinematics.home)
        self.dt = 1.0 / self.robot.control_rate_hz
        self.per_tick = round(self.robot.control_rate_hz / self.robot.tick_rate_hz)
        self.wire: list[JointCommand] = []
        self.measured: list[tuple[np.ndarray, np.ndarray]] = []

    def run(self, updates: int, *, measure: bool = True) -> None:
        """Lets `updates` control periods pass; without `measure` the joint states stay as they were."""
        for _ in range(updates):
            q, v = (self.body.q, self.body.v) if measure or not self.measured else self.measured[-1]
            if self.controller.closed_loop:
                self.controller.observe(q, v=v)
            command = self.controller.update(self.dt)
            self.wire.append(command)
            self.body.follow(command)
            self.measured.append((self.body.q, self.body.v))

    def tick(self, action: np.ndarray, tick: int) -> None:
        """One tick with a target."""
        self.controller.set_target(action, tick)
        self.run(self.per_tick)

    def home_action(self) -> np.ndarray:
        """The action of the home pose with open grippers."""
        kinematics = self.controller.kinematics
        return kinematics.forward(kinematics.home, np.ones(len(self.robot.arms)))

    @property
    def missed(self) -> list[str]:
        """What is counted of arms that cannot reach all poses that they are told."""
        told_poses = targets_of(self.robot.action_space) is Targets.POSES
        short = [arm.name for arm in self.robot.arms if len(arm.joints) < POSE_NUMBERS]
        return [f"orientation:{name}" for name in short if told_poses]

    def reachable(self, action: np.ndarray) -> np.ndarray:
        """The action, or what is nearest to it for an arm that cannot reach it."""
        if not self.missed:
            return action
        kinematics = self.controller.kinematics
        q = kinematics.solve(action, kinematics.home, 400)
        return kinematics.forward(q, np.ones(len(self.robot.arms)))

    def moved(self, share: float) -> np.ndarray:
        """An action near home: tools 6 cm into the workspace and turned by 0.2 rad, or joints 0.1 rad inward.

        Tools of short arms go 2 cm: they soon cannot point down any more.
        """
        action, space = self.home_action(), self.robot.action_space
        if targets_of(space) is Targets.JOINTS:
            limits = self.controller.guard.limits
            inward = np.sign(0.5 * (limits.low + limits.high) - self.controller.kinematics.home)
            starts = np.cumsum([0, *(len(arm.joints) for arm in self.robot.arms)])
            for arm, start in zip(self.robot.arms, starts, strict=False):
                part = space.slice(f"{arm.name}_joints")
                action[part] += 0.1 * share * inward[start : start + len(arm.joints)]
            return action
        middle = 0.5 * (np.array(self.robot.workspace.low) + np.array(self.robot.workspace.high))
        for arm in self.robot.arms:
            place = space.slice(f"{arm.name}_position")
            way = middle - action[place]
            step = 0.02 if self.missed else 0.06
            action[place] += step * share * way / max(float(np.linalg.norm(way)), 1e-9)
            action[space.slice(f"{arm.name}_rotation")] += np.array([0.0, 0.0, 0.2 * share])
        return action

    def move(self, ticks: int = 20, first: int = 0) -> int:
        """Sets the robot in motion towards `moved(1)`; returns the next tick."""
        for tick in range(first, first + ticks):
            self.tick(self.moved((tick - first + 1) / ticks), tick)
        return first + ticks
