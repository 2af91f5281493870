"""An expert that follows the `script` of the task's YAML; what the steps mean is in segue_core.contracts.script.

The script is done again, from home, until the goal of the score is reached, at most `_TRIES` times.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_core.contracts.script import Drive, For, Go, Nearest, Repeat, Step, Steps, for_each
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_sim.conditions import holds, joint_value
from segue_sim.episode import Episode
from segue_sim.experts.base import Hand, ScriptedExpert, together, up
from segue_sim.experts.driving import Arc, rotated
from segue_sim.frames import Frame, level

TAKES_OVER = True  # it is shown what was done, see `ScriptedExpert.watch`
Motion = Generator[None, None, None]
Ticks = Generator[None, None, bool]  # whether everything went as the script needs
_TRIES = 3
_UP_M = 0.10
_DRIVEN = 0.1  # of a joint's way: with less left, somebody else has driven it


class WaypointsExpert(ScriptedExpert):
    """See the module."""

    def __init__(self, world: Episode, seed: int) -> None:
        super().__init__(world, seed)
        self._coin = int(np.random.default_rng([seed, 13]).integers(2))
        self._hand = self.hands[0]

    def script(self) -> Motion:
        """Until it is done, then home."""
        for _ in range(_TRIES):
            self._hand = self.hands[0]
            yield from self._all(self.world.task.script)
            for _ in range(2):  # so that the judge has seen it
                yield
            if self.world.task_state().success:
                break
            yield from together(*(self._give_up(hand) for hand in self.hands))

    def _give_up(self, hand: Hand) -> Motion:
        yield from self._let_go(hand)
        yield from self.go_home(hand)

    def _let_go(self, hand: Hand) -> Motion:
        yield from self.grip(hand, 1.0, ticks=8)
        yield from self.move(hand, hand.setpoint.position + up(_UP_M), hand.setpoint.quaternion, within=0.02)

    def _all(self, steps: Steps) -> Ticks:
        for step in steps:
            if not (yield from self._step(step)):
                return False
        return True

    def _step(self, step: Step) -> Ticks:
        motion = self._motion(self._hand, step)
        if motion is not None:
            yield from motion
        elif step.hand is not None:
            self._hand = self._chosen(step.hand)
        elif step.together is not None:
            yield from together(*(self._by(self._named(arm), do) for arm, do in step.together.items()))
        elif step.repeat is not None:
            return (yield from self._repeat(step.repeat))
        elif step.for_ is not None:
            return (yield from self._for(step.for_))
        return step.need is None or holds(self.world, step.need)

    def _motion(self, hand: Hand, step: Step) -> Motion | None:
        """What one hand does in this step, if it is one of a hand's."""
        if step.go is not None:
            return self._go(hand, step.go)
        if step.drive is not None:
            return self._drive(hand, step.drive)
        if step.grip is not None:
            return self.grip(hand, step.grip.opening, step.grip.ticks)
        return None if step.wait is None else self.wait(hand, step.wait)

    def _repeat(self, repeat: Repeat) -> Ticks:
        for _ in range(repeat.tries):
            if holds(self.world, repeat.until):
                return True
            if not (yield from self._all(repeat.do)):
                if repeat.recover is None:
                    yield from self._let_go(self._hand)
                else:
                    yield from self._all(repeat.recover)
        return holds(self.world, repeat.until)

    def _for(self, loop: For) -> Ticks:
        for steps in for_each(loop):
            if not (yield from self._all(steps)):
                return False
        return True

    def _named(self, name: str) -> Hand:
        for hand in self.hands:
            if hand.name == name:
                return hand
        raise unknown_name("arm", name, [hand.name for hand in self.hands])

    def _chosen(self, wanted: str | Nearest) -> Hand:
        """An arm by name, or the one on whose side a frame is; near the middle the seed decides."""
        if isinstance(wanted, str):
            return self._named(wanted)
        y = self.world.frame(wanted.nearest).position[1]
        if len(self.hands) == 1:
            return self.hands[0]
        if abs(y) < self.world.task.shared_half_width:
            return self.hands[self._coin]
        return next(hand for hand in self.hands if (hand.side > 0) == (y > 0))

    def _by(self, hand: Hand, steps: Steps) -> Motion:
        """Steps of one hand among several; they cannot choose another one, nor try again."""
        for step in steps:
            motion = self._motion(hand, step)
            if motion is None:
                name = f"task '{self.world.task.name}': a step of `together`"
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, name, expected="go, drive, grip or wait")
            yield from motion

    def _go(self, hand: Hand, go: Go) -> Motion:
        axes = self._axes(hand, go)
        turn = hand.setpoint.quaternion if go.turn_rad is None else self._turn(hand, go, axes)
        if go.to == "home":
            turn = (1.0, 0.0, 0.0, 0.0) if go.turn_rad is None else turn
        goal = axes.point(np.array(go.offset)) - self._carried(hand, go.what, turn)
        if go.spread_m:
            goal = goal + self.rng.uniform(-1, 1, 3) * go.spread_m
        yield from self.move(hand, goal, turn, slow=go.slow, within=go.within_m, precise=go.precise)

    def _axes(self, hand: Hand, go: Go) -> Frame:
        """Where to go to, with the axes that offset and turn are given in."""
        if go.to in ("home", "here"):
            return Frame(hand.home if go.to == "home" else hand.setpoint.position, np.eye(3))
        frame = self.world.frame(go.to)
        if go.axes == "world":
            return Frame(frame.position, np.eye(3))
        return level(frame) if go.axes == "level" else frame

    def _turn(self, hand: Hand, go: Go, axes: Frame) -> Wxyz:
        turn = rotation_wxyz.multiply(
            axes.quaternion, rotation_wxyz.from_rotation_vector(go.turn_rad or (0.0,) * 3)
        )
        if not go.symmetric:
            return turn
        about = rotation_wxyz.from_rotation_vector((np.pi * hand.axis).tolist())
        other = rotation_wxyz.multiply(turn, about)
        now = hand.setpoint.quaternion
        return min(turn, other, key=lambda q: float(np.linalg.norm(rotation_wxyz.difference(q, now))))

    def _carried(self, hand: Hand, what: str, turn: Wxyz) -> Floats:
        """From the tool, once it is turned so, to what it holds (3,) [m]."""
        if what == "tool":
            return np.zeros(3)
        offset = self.world.frame(what).position - self.world.tool_position(hand.name)
        change = rotation_wxyz.multiply(turn, rotation_wxyz.conjugate(hand.setpoint.quaternion))
        return rotated(change, offset)

    def _drive(self, hand: Hand, drive: Drive) -> Motion:
        left = abs(drive.to - joint_value(self.world, drive.joint))

        def over() -> bool:
            now = abs(drive.to - joint_value(self.world, drive.joint))
            return now < _DRIVEN * left or self.passed(hand)

        if (yield from self.watched(over)):
            return
        arc = Arc(self.world, drive.joint, drive.to, hand.setpoint.position, hand.setpoint.quaternion)
        hand.precise = True
        for share in arc.shares(drive.slow * self.limits.speed, 1.0 / self.world.robot.tick_rate_hz):
            position, turn = arc.at(share)
            hand.setpoint.put(position, turn if drive.turn else hand.setpoint.quaternion)
            yield
        hand.precise = False


def create(world: Episode, seed: int) -> WaypointsExpert:
    """An expert for a task with a `script`."""
    if not world.task.script:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"task '{world.task.name}': expert waypoints needs a script"
        )
    return WaypointsExpert(world, seed)
