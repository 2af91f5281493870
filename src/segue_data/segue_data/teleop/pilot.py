"""From deflected sticks and held keys to one absolute action per tick. Pure: no device, no clock.

    event --> velocity in the base frame (sampled) --> target of the chosen arm += velocity * dt --> action (D,)

The target starts where the robot is, stays inside the workspace, and never runs further ahead of the tool than the
leash, so that a blocked tool does not jump when it comes free.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_data.teleop.config import Action, Control, TeleopConfig
from segue_data.teleop.events import InputEvent

_DIRECTIONS = ("x", "y", "z", "roll", "pitch", "yaw")
_OPEN_ABOVE = 0.5


def deflection(control: Control, value: float, limits: tuple[float, float] | None) -> float:
    """-1..1 of an axis that reports `value` between `limits`, or 0..1 of a key or trigger; 0 in the dead zone."""
    low, high = limits or (control.low, control.high)
    if low < 0:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        raw = (value - middle) / half
    else:
        raw = (value - low) / (high - low)
    size = min(1.0, abs(raw))
    if size <= control.deadzone:
        return 0.0
    return float(np.sign(raw) * (size - control.deadzone) / (1.0 - control.deadzone))


class Pilot:
    """One person with one device. Not thread safe.

    Args:
        config: what the controls do.
        robot: its action space must have a position, a rotation vector and a gripper for every arm.
        limits: range of every axis that the device knows by itself.

    Raises:
        ConfigError: the robot speaks another kind of action.
    """

    def __init__(
        self, config: TeleopConfig, robot: RobotConfig, limits: Mapping[str, tuple[float, float]]
    ) -> None:
        self._config, self._robot, self._limits = config, robot, dict(limits)
        self._space, self._arms = robot.action_space, tuple(arm.name for arm in robot.arms)
        missing = [f"{arm}_{part}" for arm in self._arms for part in ("position", "rotation", "gripper")]
        missing = [name for name in missing if name not in self._space.slices]
        if missing:
            text = f"teleoperation of {robot.name!r} by hand needs tool poses in its action space"
            raise ConfigError(
                ErrorCode.CONFIG_CONFLICT, text, got=self._space.name, expected=", ".join(missing)
            )
        self._samples = max(1, round(robot.tick_rate_hz / config.sample_rate_hz))
        self._values: dict[str, float] = {}
        self.arm = self._arms[0]
        self.slow = False
        self.let_go()

    def let_go(self) -> None:
        """Forget the target and every deflection; `tick` starts anew from the measured pose."""
        self._target: Floats | None = None
        self._velocity = np.zeros(6)
        self._values.clear()
        self._ticks = 0

    def event(self, event: InputEvent) -> Action | None:
        """Take a change of a control; the action that it asks for, unless it is one of the pilot's own."""
        if event.name in self._config.controls:
            self._values[event.name] = event.value
            return None
        action = self._config.actions.get(event.name)
        if action == "slow":
            self.slow = bool(event.value)
            return None
        if action is None or not event.value:
            return None
        if action == "next_arm":
            self.arm = self._arms[(self._arms.index(self.arm) + 1) % len(self._arms)]
            return None
        if action == "gripper":
            self._toggle()
            return None
        return action

    def tick(self, measured: Floats) -> Floats:
        """The action (D,) of the next tick; `measured` (D,) is where the robot is, as an action."""
        if self._target is None:
            self._target = measured.copy()
            for arm in self._arms:  # a gripper that holds something is to go on holding it
                part = self._space.slice(f"{arm}_gripper")
                self._target[part] = np.where(measured[part] > _OPEN_ABOVE, 1.0, 0.0)
        if self._ticks % self._samples == 0:
            self._velocity = self._sampled()
        self._ticks += 1
        self._move(self._target, measured, self._velocity / self._robot.tick_rate_hz)
        return np.asarray(self._space.clip(self._target))

    def _toggle(self) -> None:
        if self._target is not None:
            part = self._space.slice(f"{self.arm}_gripper")
            self._target[part] = np.where(self._target[part] > _OPEN_ABOVE, 0.0, 1.0)

    def _sampled(self) -> Floats:
        velocity = np.zeros(6)
        for name, value in self._values.items():
            control = self._config.controls[name]
            size = deflection(control, value, self._limits.get(name))
            velocity[_DIRECTIONS.index(control.moves)] += control.sign * size
        velocity = np.clip(velocity, -1.0, 1.0) * (self._config.slow_factor if self.slow else 1.0)
        return np.asarray(velocity * np.repeat([self._config.speed_m_s, self._config.turn_rad_s], 3))

    def _move(self, target: Floats, measured: Floats, step: Floats) -> None:
        place, turn = self._space.slice(f"{self.arm}_position"), self._space.slice(f"{self.arm}_rotation")
        wanted = target[place] + step[:3]
        ahead = wanted - measured[place]
        reach = float(np.linalg.norm(ahead))
        if reach > self._config.leash_m:
            wanted = measured[place] + ahead * (self._config.leash_m / reach)
        box = self._robot.workspace
        target[place] = np.clip(wanted, box.low, box.high)
        if np.any(step[3:]):
            turned = rotation_wxyz.multiply(
                rotation_wxyz.from_rotation_vector(step[3:].tolist()),
                rotation_wxyz.from_rotation_vector(target[turn].tolist()),
            )
            target[turn] = rotation_wxyz.difference(rotation_wxyz.normalised(turned), (1.0, 0.0, 0.0, 0.0))
