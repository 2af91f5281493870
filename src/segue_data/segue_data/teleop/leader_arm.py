"""A second arm as leader: its joint positions to one action per tick of the follower. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PerceptionError
from segue_data.teleop.config import LeaderConfig

_FASTEST_PER_S = (
    5.0  # [m/s], or [rad/s] of joints: no hand is faster, so a leader that was is not where it says
)
_FARTHEST_RAD = 100.0  # as an encoder counts it that turns for ever


class Leader:
    """Reads the leader by joint names and leads the follower to it without a jump, however the leader itself jumps.

    Args:
        forward: joints (n,) [rad] and gripper openings (A,) to an action (D,).
    """

    def __init__(
        self, config: LeaderConfig, robot: RobotConfig, forward: Callable[[Floats, Floats], Floats]
    ) -> None:
        self._config, self._robot, self._forward = config, robot, forward
        self._positions = [robot.action_space.slices.get(f"{arm.name}_position") for arm in robot.arms]
        self._wanted: Floats | None = None
        self._at_s = 0.0
        self._sender = b""
        self.let_go()

    def let_go(self) -> None:
        """The next `tick` leads to the leader anew."""
        self.aligned = False
        self._last: Floats | None = None

    def observe(
        self, names: Sequence[str], positions: Sequence[float], now_s: float, sender: bytes = b""
    ) -> None:
        """Take the leader's joint positions; `sender` is who published them.

        Raises:
            PerceptionError: STATE_MISSING for a joint that is not there, STATE_CORRUPT for one that is not finite or
                nowhere, or when somebody else is the leader.
        """
        if sender != self._sender and self.fresh(now_s):
            topic = self._config.topic
            text, do = f"joint states of a second leader on {topic}", f"end one: ros2 topic info -v {topic}"
            raise PerceptionError(ErrorCode.STATE_CORRUPT, text, do=do)
        given = dict(zip(names, positions, strict=False))
        joints = self._column(given, self._robot.joint_names)
        grippers = self._column(given, self._robot.gripper_names)
        self._wanted = self._forward(joints, np.clip(grippers, 0.0, 1.0))
        self._at_s, self._sender = now_s, sender

    def fresh(self, now_s: float) -> bool:
        """Whether the leader was heard of lately."""
        return self._wanted is not None and now_s - self._at_s <= self._config.timeout_s

    def tick(self, measured: Floats) -> Floats:
        """The action (D,) of the next tick: the leader's pose, or a step on the way to it."""
        if self._wanted is None:
            raise PerceptionError(ErrorCode.STATE_MISSING, f"nothing came on {self._config.topic}")
        last = measured if self._last is None else self._last
        distance = self._distance(last, self._wanted)
        self.aligned = self.aligned and distance <= _FASTEST_PER_S / self._robot.tick_rate_hz
        share = 1.0 if self.aligned else self._share(distance)
        self.aligned = share >= 1.0
        # Rotation vectors of nearby poses are interpolated component by component: the guard bounds the turn.
        self._last = last + share * (self._wanted - last)
        return np.array(self._last)

    def _distance(self, last: Floats, wanted: Floats) -> float:
        """How far apart the tools are [m]; the joints [rad] where an action says these."""
        gaps = [float(np.linalg.norm(wanted[p] - last[p])) for p in self._positions if p is not None]
        return max(gaps) if gaps else float(np.abs(wanted - last).max())

    def _share(self, distance: float) -> float:
        step = self._config.approach_m_s / self._robot.tick_rate_hz
        return 1.0 if distance <= max(step, self._config.close_m) else step / distance

    def _column(self, given: Mapping[str, float], ours: Sequence[str]) -> Floats:
        names = [self._config.joints.get(name, name) for name in ours]
        if missing := [name for name in names if name not in given]:
            raise PerceptionError(
                ErrorCode.STATE_MISSING,
                f"joint states on {self._config.topic}",
                got=", ".join(given),
                expected=", ".join(missing),
            )
        signs = [self._config.signs.get(name, 1) for name in ours]
        offsets = [self._config.offsets_rad.get(name, 0.0) for name in ours]
        values = np.array([given[name] for name in names]) * signs + offsets
        if not (np.abs(values) <= _FARTHEST_RAD).all():  # and not NaN
            raise PerceptionError(
                ErrorCode.STATE_CORRUPT,
                f"joint states on {self._config.topic}",
                got=values.tolist(),
                expected=f"finite numbers, {_FARTHEST_RAD:g} rad at most",
            )
        return np.asarray(values, dtype=np.float64)
