"""Can a decoded chain be meant? What cannot is refused before anything moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue_core import rotation_xyzw
from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PolicyError

_MARGIN_M = (
    0.02  # outside the workspace: the guard stops at its wall, and what presses on a wall is no mistake
)
_NORM_ERROR = 0.2  # of a quaternion that is still a noisy one: of a rotation that is about right


def plausible(actions: Floats, keyframe: int | None, space: ActionSpace, robot: RobotConfig | None) -> Floats:
    """Actions (n, D) with quaternions of unit norm.

    Args:
        keyframe: which of them is the goal, if one is.
        robot: whose workspace the goal must be in; without one the bounds of the space.

    Raises:
        PolicyError: POLICY_IMPLAUSIBLE, a goal outside the workspace, or a quaternion that is none.
    """
    made: Floats = actions.copy()
    for channel in space.channels:
        part = space.slice(channel.name)
        if channel.kind is ChannelKind.QUATERNION:
            made[:, part] = _unit(made[:, part], channel.name)
        if channel.kind is ChannelKind.POSITION and keyframe is not None:
            low, high = (robot.workspace.low, robot.workspace.high) if robot else (channel.low, channel.high)
            _inside(made[keyframe, part], low, high, channel.name)
    return made


def near(begin: Floats, tool: Floats, points: Sequence[int], farthest: float) -> None:
    """Refuse a chain whose first action (D,) is not where the tool (D,) is; raises PolicyError."""
    apart = float(np.linalg.norm(begin[points] - tool[points]))
    if apart > farthest:
        text = (
            "chain_of_action: the chain does not lead back to the tool; its nearest action is away from it by"
        )
        raise PolicyError(
            ErrorCode.POLICY_IMPLAUSIBLE,
            text,
            got=f"{apart:.3f}",
            expected=f"at most {farthest:g} (farthest)",
        )


def _inside(point: Floats, low: Sequence[float], high: Sequence[float], name: str) -> None:
    if np.any(point < np.array(low) - _MARGIN_M) or np.any(point > np.array(high) + _MARGIN_M):
        text = f"chain_of_action: keyframe outside the workspace: {name} [m]"
        expected = f"{_numbers(low)} to {_numbers(high)}"
        raise PolicyError(ErrorCode.POLICY_IMPLAUSIBLE, text, got=_numbers(point), expected=expected)


def _unit(quaternions: Floats, name: str) -> Floats:
    norms = np.linalg.norm(quaternions, axis=-1)
    worst = float(norms[np.argmax(np.abs(norms - 1))])
    if abs(worst - 1) > _NORM_ERROR:
        text = f"chain_of_action: norm of the quaternion {name}"
        expected = f"1, at most {_NORM_ERROR:g} off"
        raise PolicyError(ErrorCode.POLICY_IMPLAUSIBLE, text, got=f"{worst:.2f}", expected=expected)
    return rotation_xyzw.normalized(quaternions)


def _numbers(values: Sequence[float] | Floats) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ")"
