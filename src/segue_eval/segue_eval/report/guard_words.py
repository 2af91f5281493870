"""What the guard's counts mean, for people: which are its everyday work, and which say that something was wrong."""

from __future__ import annotations

from collections.abc import Mapping

_SHAPING = {  # of the joint targets, 120 times a second and per joint
    "position": "a joint target was kept inside the joint's range",
    "velocity": "a joint was kept at its speed limit",
    "acceleration": "a joint was kept at its acceleration limit",
    "jerk": "a change of acceleration was smoothed",
    "braking": "a joint was slowed in time to stop before its limit",
    "effort": "a torque was kept at its limit",
    "effort_rate": "a change of torque was smoothed",
}
_TELLING = {
    "not_finite": "a command with NaN or infinity was refused",
    "width": "a command of the wrong size was refused",
    "old_tick": "a command that came twice or too late was refused",
    "foreign": "a command of somebody else was refused",
    "range": "an action outside the action space was refused",
    "workspace": "a target outside the workspace was moved to its edge",
    "step": "a target too far from the one before was shortened",
    "turn": "a turn too far from the one before was shortened",
    "self_distance": "parts of the robot would have come too near: it braked",
    "bad_state": "joint states that cannot be true were not used",
    "not_armed": "a command came while the robot was not armed",
    "stop": "the robot was stopped",
}
EXPLAINED = (
    "The guard stands between the commands and the joints and lets nothing through that the contract forbids. It "
    "counts once for every joint and every controller update (120 a second) that it changes, so hundreds of small "
    "smoothings are a usual run; they are not faults. What it refuses, or stops the robot for, is worth a look."
)


def kind_of(name: str) -> str:
    """`velocity` of `velocity:left_joint3`."""
    return name.partition(":")[0]


def meaning(name: str) -> str:
    """One phrase about a count; empty for one that is not known here."""
    return {**_SHAPING, **_TELLING}.get(kind_of(name), "")


def refusals(counts: Mapping[str, int]) -> int:
    """How many of the interventions say that something was wrong."""
    return sum(count for name, count in counts.items() if kind_of(name) not in _SHAPING)
