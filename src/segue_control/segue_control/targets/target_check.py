"""Checks tool targets before they may shape the path: refused or moved into bounds, always counted."""

from collections import Counter

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.poses import ActionCodec, ToolPoses
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

_MAX_GAP_TICKS = 3  # after lost commands a target may be this many steps away, not more


class TargetCheck:
    """The bounds on tool targets: finite, workspace box, largest step and turn per tick."""

    def __init__(self, robot: RobotConfig, codec: ActionCodec, counts: Counter[str]) -> None:
        self._codec = codec
        self._names = tuple(arm.name for arm in robot.arms)
        self._low, self._high = np.array(robot.workspace.low), np.array(robot.workspace.high)
        self._step_m, self._turn_rad = robot.safety.max_tool_step_m, robot.safety.max_tool_turn_rad
        self._counts = counts

    def reset(self, poses: ToolPoses) -> None:
        """Begins a stream: the first target is compared with `poses`, the measured ones."""
        self._last = poses
        self._tick: int | None = None

    def admit(self, action: Floats, tick: int) -> ToolPoses:
        """The poses of an action (D,) for `tick`, moved inside the bounds; what was moved is counted.

        Raises:
            ControlError: refused: wrong width, not finite, or a tick that is not newer than the last.
        """
        self._refuse_malformed(action)
        gap = self._gap(tick)
        wanted = self._codec.poses(self._in_range(action))
        positions = [self._position(arm, wanted.positions[arm], gap) for arm in range(len(self._names))]
        quaternions = [self._quaternion(arm, wanted.quaternions[arm], gap) for arm in range(len(self._names))]
        self._last, self._tick = ToolPoses(np.array(positions), np.array(quaternions)), tick
        return self._last

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; ControlError when it is not newer than the last."""
        self._gap(tick)
        self._tick = tick

    def _refuse_malformed(self, action: Floats) -> None:
        if action.shape != (self._codec.space.dim,):
            expected = f"({self._codec.space.dim},)"
            raise self._refusal(
                "width", ErrorCode.CONTROL_WRONG_SHAPE, "command width", action.shape, expected
            )
        if not np.isfinite(action).all():
            worst = int(np.argmin(np.isfinite(action)))
            got = f"{action[worst]} for {self._codec.space.names[worst]}"
            raise self._refusal("not_finite", ErrorCode.CONTROL_NOT_FINITE, "command", got, "finite values")

    def _in_range(self, action: Floats) -> Floats:
        """`action` inside the bounds of its space, so that nothing below computes with absurd numbers."""
        clipped = self._codec.space.clip(action)
        if (clipped != action).any():
            self._counts["range"] += 1
        return clipped

    def _gap(self, tick: int) -> int:
        gap = 1 if self._tick is None else tick - self._tick
        if gap < 1:
            expected = f"later than {self._tick}"
            raise self._refusal("old_tick", ErrorCode.CONTROL_COMMAND_STALE, "command tick", tick, expected)
        return min(gap, _MAX_GAP_TICKS)

    def _refusal(self, count: str, code: ErrorCode, what: str, got: object, expected: str) -> ControlError:
        self._counts[count] += 1
        return ControlError(code, f"{what} refused", got=got, expected=expected)

    def _position(self, arm: int, wanted: Floats, gap: int) -> Floats:
        boxed = np.clip(wanted, self._low, self._high)
        if (boxed != wanted).any():
            self._counts[f"workspace:{self._names[arm]}"] += 1
        step = boxed - self._last.positions[arm]
        length, limit = float(np.linalg.norm(step)), self._step_m * gap
        if length <= limit:
            return np.asarray(boxed)
        self._counts[f"step:{self._names[arm]}"] += 1
        return np.asarray(self._last.positions[arm] + step * (limit / length))

    def _quaternion(self, arm: int, wanted: Floats, gap: int) -> Floats:
        last = self._last.quaternions[arm].tolist()
        turn = np.array(rotation_wxyz.difference(wanted.tolist(), last))
        angle, limit = float(np.linalg.norm(turn)), self._turn_rad * gap
        if angle <= limit:
            return wanted
        self._counts[f"turn:{self._names[arm]}"] += 1
        turned = rotation_wxyz.multiply(
            rotation_wxyz.from_rotation_vector((turn * (limit / angle)).tolist()), last
        )
        return np.array(rotation_wxyz.normalised(turned))
