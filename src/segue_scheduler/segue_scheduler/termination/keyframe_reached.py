"""The robot is where the executing chunk ends.

    chunk      a_1 a_2 ... a_K             K: keyframe, the goal of a chain (Chain-of-Action)
    distance   9 8 6 5 4 3 2 1 0 0 0 0
    near                       1 1 1 1     within the tolerances for `hold_s`: fire

A chain ends at its keyframe. The end of a chunk of fixed length moves on ahead of the robot while there is work to do,
so there the rule says that the plan has come to rest. Where there is a task detector, its word decides success.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.blending import difference
from segue_core.contracts.base import StrictModel
from segue_scheduler.termination.base import Evidence, RuleContext, TerminationRule, claimed_success
from segue_scheduler.tick import Outcome


class KeyframeOptions(StrictModel):
    """Options of `keyframe_reached`."""

    position_m: float = Field(
        default=0.01, gt=0, description="largest distance of each position from the keyframe [m]"
    )
    rotation_rad: float = Field(
        default=0.1, gt=0, description="largest angle of each rotation or joint from the keyframe [rad]"
    )
    hold_s: float = Field(default=0.5, ge=0, le=60, description="time that the robot must stay there [s]")


class KeyframeReached:
    """Fires when every pose and joint stays near the goal for the hold; grippers do not count."""

    def __init__(self, options: KeyframeOptions, space: ActionSpace) -> None:
        self._options, self._space = options, space
        self._hold_ticks = ceil(options.hold_s * space.rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget since when the robot is there."""
        self._since: int | None = None

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome, once the robot has stayed at the goal."""
        if evidence.goal is None or not self._near(evidence.goal, evidence.measured):
            self._since = None
            return None
        self._since = evidence.elapsed if self._since is None else self._since
        if evidence.elapsed - self._since < self._hold_ticks:
            return None
        reason = f"at the end of the chunk for {self._options.hold_s:g} s"
        return Outcome(claimed_success(evidence.task), "keyframe_reached", reason)

    def _near(self, goal: NDArray[np.float64], measured: NDArray[np.float64]) -> bool:
        apart = difference(self._space, goal, measured)
        return all(
            float(np.linalg.norm(apart[self._space.slice(channel.name)])) <= self._options.position_m
            if channel.kind is ChannelKind.POSITION
            else float(np.abs(apart[self._space.slice(channel.name)]).max()) <= self._options.rotation_rad
            for channel in self._space.channels
            if channel.kind is not ChannelKind.GRIPPER
        )


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    return KeyframeReached(context.options(KeyframeOptions), context.space)
