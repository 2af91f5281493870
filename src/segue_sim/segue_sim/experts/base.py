"""What an expert is, and the words that scripts are written in: move, close, let go, go home.

A script is a generator that yields once per tick, so it reads from top to bottom like a recipe:

    yield from self.move(hand, above, turn)
    yield from self.grip(hand, 0.0)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Protocol

import numpy as np

from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_sim.episode import Episode
from segue_sim.experts.own_space import OwnSpace
from segue_sim.motion import MotionLimits, PoseSetPoint

Steps = Generator[None, None, None]

LEVEL: Wxyz = (1.0, 0.0, 0.0, 0.0)  # the tool as at home, pointing down
_LIMITS = MotionLimits(
    yaw_speed=1.4, yaw_acceleration=6.0
)  # wrists follow a turning tool more slowly than a moving one
_BEHIND_M = 0.03
_PATIENCE_TICKS = 120  # a move that takes longer was stopped by something: the script goes on and looks again


class Expert(Protocol):
    """Solves one episode of a `Episode`. Call `act` once per tick, before the tick's physics."""

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        ...

    @property
    def precise(self) -> bool:
        """A hand does something delicate: no disturbance now, please."""
        ...

    def act(self) -> Floats:
        """The action (D,) of this tick."""
        ...


class Hand:
    """One arm as a script sees it: set-point, opening, and whether its work is delicate now."""

    def __init__(self, world: Episode, index: int, limits: MotionLimits) -> None:
        self.index, self.name = index, world.robot.arms[index].name
        self.gripper = world.robot.gripper_names[index]
        self.side = 1.0 if world.robot.arms[index].base_position[1] > 0 else -1.0  # +1 for an arm on the left
        self.home = world.tool_position(self.name)
        self.axis = world.frame(f"{self.name}_tool").axes[:, 2]  # of the tool at home, along the fingers
        self.setpoint = PoseSetPoint(self.home, 1.0 / world.robot.tick_rate_hz, limits)
        self.opening = 1.0
        self.precise = False


class ScriptedExpert(ABC):
    """An expert that follows `script`; when the script ends it is done and keeps its last set-points."""

    def __init__(self, world: Episode, seed: int, limits: MotionLimits | None = None) -> None:
        self.world, self.rng, self.limits = world, np.random.default_rng([seed, 7]), limits or _LIMITS
        self.hands = [Hand(world, i, self.limits) for i in range(len(world.robot.arms))]
        self._own = OwnSpace(world)
        self._steps = self.script()
        self._done = False

    @abstractmethod
    def script(self) -> Steps:
        """The whole episode, one `yield` per tick."""

    @property
    def done(self) -> bool:
        """The script has ended."""
        return self._done

    @property
    def precise(self) -> bool:
        """Any hand is at delicate work."""
        return not self._done and any(hand.precise for hand in self.hands)

    def act(self) -> Floats:
        """The action (D,) of this tick."""
        if not self._done:
            self._done = next(self._steps, self) is self
        space = self._own.poses
        poses = np.zeros(space.dim)
        for hand in self.hands:
            poses[space.slice(f"{hand.name}_position")] = hand.setpoint.position
            poses[space.slice(f"{hand.name}_rotation")] = hand.setpoint.rotation_vector
            poses[space.slice(f"{hand.name}_gripper")] = hand.opening
        return self._own.action(poses)

    def holds(self, hand: Hand, name: str) -> bool:
        """Whether both fingers touch `name`."""
        return self.world.touched()[hand.gripper] == name

    def move(
        self,
        hand: Hand,
        position: Floats,
        turn: Wxyz = LEVEL,
        *,
        slow: float = 1.0,
        within: float = 0.01,
        precise: bool = False,
    ) -> Steps:
        """Go to a pose, until the set-point is within `within` metres and 0.1 rad of it and the tool not far behind.

        A `precise` move ends when the tool is there too, and asks for no disturbance on the way.
        """
        hand.precise = precise
        for _ in range(_PATIENCE_TICKS):
            hand.setpoint.move(position, turn, slow)
            yield
            there = hand.setpoint.near(position, within) and hand.setpoint.turned(turn, 0.1)
            if there and self._tool_near(hand, position, 1.5 * within if precise else within + _BEHIND_M):
                break
        hand.precise = False

    def _tool_near(self, hand: Hand, position: Floats, within: float) -> bool:
        return float(np.linalg.norm(self.world.tool_position(hand.name) - position)) < within

    def grip(self, hand: Hand, opening: float, ticks: int = 9) -> Steps:
        """Open or close, standing still for `ticks`."""
        hand.precise, hand.opening = True, opening
        for _ in range(ticks):
            hand.setpoint.move(hand.setpoint.position, hand.setpoint.quaternion)
            yield
        hand.precise = False

    def wait(self, hand: Hand, ticks: int, *, precise: bool = True) -> Steps:
        """Stand still."""
        return self.grip(hand, hand.opening, ticks) if precise else self._idle(ticks)

    def _idle(self, ticks: int) -> Steps:
        for _ in range(ticks):
            yield

    def go_home(self, hand: Hand) -> Steps:
        """Back to where the episode began, open."""
        hand.opening = 1.0
        yield from self.move(hand, hand.home, within=0.02)


def together(*scripts: Steps) -> Steps:
    """Several scripts at once, each with its own hand, until the last one ends."""
    running = list(scripts)
    while running:
        running = [steps for steps in running if next(steps, steps) is not steps]
        if running:
            yield


def up(height: float) -> Floats:
    """The offset (3,) straight up by `height` [m]."""
    return np.array([0.0, 0.0, height])
