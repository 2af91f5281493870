"""What an expert is, and the words that scripts are written in: move, close, let go, go home.

A script is a generator that yields once per tick, so it reads from top to bottom like a recipe:

    yield from self.move(hand, above, turn)
    yield from self.grip(hand, 0.0)

A script can also be shown what somebody else commands (`watch`). Then its words wait until the world says that they
are done, and when it takes over it goes on from there:

    commanded by    others others others others | the script
    watch             m0     m1     m2     m3   |                 words that are over are left behind
    take_over                                   | act  act  act   the word that was waited for is carried out
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Protocol

import numpy as np

from segue_control.robot import rotation_wxyz
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
_SHUT = 0.3  # a gripper told less is to close
_LEEWAY_M = 0.02  # others need not come as near as a script does before it goes on
_LEEWAY_RAD = 0.35
_ASIDE_M = 0.05  # a hand that goes this far off before it closes has given up
_POSE_JOINTS = 6  # an arm of fewer cannot turn its tool as it likes
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
        self.told = 1.0  # opening that somebody else commands
        self.turns = len(world.robot.arms[index].joint_names()) >= _POSE_JOINTS
        self._dt = 1.0 / world.robot.tick_rate_hz
        self._led = (self.home, LEVEL, np.zeros(3), np.zeros(3))

    def follow(self, position: Floats, turn: Wxyz, opening: float) -> None:
        """Somebody else commands this pose and opening in this tick."""
        before, turned, _, _ = self._led
        rate = np.array(rotation_wxyz.difference(turn, turned)) / self._dt
        self._led = (position, turn, (position - before) / self._dt, rate)
        self.told = opening
        self.resume()

    def resume(self) -> None:
        """The set-point is what was commanded last, with its speed."""
        self.setpoint.under_way(*self._led)

    @property
    def obeys(self) -> bool:
        """Whether the gripper is told what the script says."""
        return (self.told < _SHUT) == (self.opening < _SHUT)


class ScriptedExpert(ABC):
    """An expert that follows `script`; when the script ends it is done and keeps its last set-points."""

    def __init__(self, world: Episode, seed: int, limits: MotionLimits | None = None) -> None:
        self.world, self.rng, self.limits = world, np.random.default_rng([seed, 7]), limits or _LIMITS
        self.hands = [Hand(world, i, self.limits) for i in range(len(world.robot.arms))]
        self._own = OwnSpace(world)
        self._steps = self.script()
        self._done = self._watching = False

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
        self._go_on()
        space = self._own.poses
        poses = np.zeros(space.dim)
        for hand in self.hands:
            poses[space.slice(f"{hand.name}_position")] = hand.setpoint.position
            poses[space.slice(f"{hand.name}_rotation")] = hand.setpoint.rotation_vector
            poses[space.slice(f"{hand.name}_gripper")] = hand.opening
        return self._own.action(poses)

    def watch(self, action: Floats) -> None:
        """Call instead of `act` for a tick in which somebody else commands `action` (D,).

        A movement is over when the tool is there, a grip when the gripper does it. Either is also over when the other
        goes on without it: has hold of something that the script still moves to, has let go, or has moved away.
        """
        space, poses = self._own.poses, self._own.poses_of(action)
        for hand in self.hands:
            turn = rotation_wxyz.from_rotation_vector(poses[space.slice(f"{hand.name}_rotation")].tolist())
            opening = float(poses[space.slice(f"{hand.name}_gripper")][0])
            hand.follow(poses[space.slice(f"{hand.name}_position")].copy(), turn, opening)
        self._watching = True
        self._go_on()

    def take_over(self) -> None:
        """From now on `act` commands, from the last action that was watched; a script that had ended begins again."""
        self._watching = False
        for hand in self.hands:
            hand.resume()
        if self._done and not self.world.task_state().success:
            self._steps, self._done = self.script(), False

    def _go_on(self) -> None:
        if not self._done:
            self._done = next(self._steps, self) is self

    def watched(self, over: Callable[[], bool]) -> Generator[None, None, bool]:
        """While somebody else commands, wait until this is `over`; whether it is, and nothing is left to do."""
        while self._watching:
            yield
            if over():
                return True
        return False

    def passed(self, hand: Hand) -> bool:
        """Whether the other one's hand has taken what the script still moves to, or let go of what it carries."""
        return not hand.obeys and (hand.told >= _SHUT or self.world.touched()[hand.gripper] is not None)

    def _came(self, hand: Hand, position: Floats, turn: Wxyz, within: float) -> bool:
        near = self._tool_near(hand, position, within + _LEEWAY_M)
        return near and (not hand.turns or hand.setpoint.turned(turn, _LEEWAY_RAD))

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
        if not (
            yield from self.watched(lambda: self._came(hand, position, turn, within) or self.passed(hand))
        ):
            yield from self._approach(hand, position, turn, slow, within, precise)
        hand.precise = False

    def _approach(
        self, hand: Hand, position: Floats, turn: Wxyz, slow: float, within: float, precise: bool
    ) -> Steps:
        for _ in range(_PATIENCE_TICKS):
            hand.setpoint.move(position, turn, slow)
            yield
            there = hand.setpoint.near(position, within) and hand.setpoint.turned(turn, 0.1)
            if there and self._tool_near(hand, position, 1.5 * within if precise else within + _BEHIND_M):
                break

    def _tool_near(self, hand: Hand, position: Floats, within: float) -> bool:
        return float(np.linalg.norm(self.world.tool_position(hand.name) - position)) < within

    def grip(self, hand: Hand, opening: float, ticks: int = 9) -> Steps:
        """Open or close, standing still for `ticks`."""
        hand.precise, hand.opening = True, opening
        began, done = self.world.tool_position(hand.name), 0

        def over() -> bool:
            nonlocal done
            done += hand.obeys
            return done >= ticks or not (hand.obeys or self._tool_near(hand, began, _ASIDE_M))

        if (yield from self.watched(over)):
            done = ticks
        for _ in range(ticks - done):
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
