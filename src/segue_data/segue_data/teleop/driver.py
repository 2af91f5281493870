"""One command per tick from a pilot or a leader arm, while a person has the robot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PerceptionError
from segue_data.teleop.config import Action, TeleopConfig
from segue_data.teleop.events import InputEvent
from segue_data.teleop.leader_arm import Leader
from segue_data.teleop.pilot import Pilot
from segue_data.teleop.playback import Playback

_FRESH = 2.0  # joint states older than this many of the guard's limits are nothing to command from


class Driver:
    """Silent until `take`. Times are on the steady clock.

    Args:
        forward: joints (n,) [rad] and openings (A,) to an action (D,).
        ranges: ranges of axes that the device knows.
        actions: what a replay plays, (ticks, D).
    """

    def __init__(
        self,
        config: TeleopConfig,
        robot: RobotConfig,
        forward: Callable[[Floats, Floats], Floats],
        ranges: Mapping[str, tuple[float, float]],
        actions: Sequence[Floats] = (),
    ) -> None:
        self._config, self._robot, self._forward = config, robot, forward
        self._leader = Leader(config.leader, robot, forward) if config.device == "leader" else None
        self.playback = Playback(robot, actions) if config.device == "replay" else None
        by_hand = self._leader is None and self.playback is None
        self._pilot = Pilot(config, robot, ranges) if by_hand else None
        self._fresh_s = _FRESH * robot.safety.state_timeout_s
        self._measured: Floats | None = None
        self._measured_s = 0.0
        self._taken = 0
        self.commanding = False

    @property
    def run_id(self) -> str:
        """Who commands, as the commands say it; empty while nobody does."""
        return f"teleop-{self._config.device}-{self._taken}" if self.commanding else ""

    @property
    def arm(self) -> str:
        """The arm that the controls move."""
        return self._pilot.arm if self._pilot else "all"

    def event(self, event: InputEvent) -> Action | None:
        """Pass an event of the device on; what it asks for."""
        return self._pilot.event(event) if self._pilot else None

    def observe(self, q: Floats, grippers: Floats, now_s: float) -> None:
        """Take the robot's measured joints (n,) [rad] and openings (A,)."""
        self._measured, self._measured_s = self._forward(q, grippers), now_s

    def leader_at(
        self, names: Sequence[str], positions: Sequence[float], now_s: float, sender: bytes
    ) -> None:
        """Take the leader's joints, and who says so; raises PerceptionError when they do not fit."""
        if self._leader:
            self._leader.observe(names, positions, now_s, sender)

    def ready(self, now_s: float) -> str:
        """Empty, or why the robot cannot be taken now."""
        if self._measured is None or now_s - self._measured_s > self._fresh_s:
            return "no joint states of the robot"
        if self._leader and not self._leader.fresh(now_s):
            return f"nothing comes on {self._config.leader.topic}"
        return ""

    def take(self) -> None:
        """From the next tick on there are commands, under a new run id, from the measured pose."""
        self._anew()
        self._taken += 1
        self.commanding = True

    def let_go(self) -> None:
        """No more commands."""
        self._anew()
        self.commanding = False

    def _anew(self) -> None:
        self._source.let_go()

    @property
    def _source(self) -> Leader | Pilot | Playback:
        source = self._leader or self.playback or self._pilot
        assert source is not None  # one of them was made
        return source

    def action(self, now_s: float) -> Floats:
        """The action (D,) of the next tick.

        Raises:
            PerceptionError: STATE_MISSING when joint states or the leader have fallen silent.
        """
        reason = self.ready(now_s)
        if reason or self._measured is None:
            raise PerceptionError(ErrorCode.STATE_MISSING, reason)
        return self._source.tick(self._measured)
