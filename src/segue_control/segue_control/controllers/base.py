"""What a kind of controller is: a law between the guard's two checks.

    action -> guard.admit -> |  law: targets -> desired  | -> guard.limit -> |  law: torque  | -> guard -> wire
                             '------- every kind --------'                   '-- only torque --'

What is desired is always joint positions one period ahead, whatever goes over the wire: the guard bounds positions,
speeds, accelerations and jerks of one stream. A robot that is told velocities gets that stream's speed; one that is
told torques gets what pulls it along the stream.
"""

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from segue_control.commands import MeasuredJoints
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

SourcedT = TypeVar("SourcedT", bound="Sourced")


@dataclass(frozen=True)
class Setting:
    """What every kind is made from. `counts` are the guard's: what a law's checks change is counted there."""

    robot: RobotConfig
    kinematics: Kinematics
    limits: JointLimits
    counts: Counter[str]

    @property
    def period_s(self) -> float:
        """Length of one update [s]."""
        return 1.0 / self.robot.control_rate_hz

    @property
    def tick_share(self) -> float:
        """Ticks per update."""
        return self.robot.tick_rate_hz / self.robot.control_rate_hz


@dataclass(frozen=True)
class JointStream:
    """The guarded joint stream: where it is `q` (n,) [rad] and how fast it goes `v` (n,) [rad/s]."""

    q: Floats
    v: Floats


class Law(Protocol):
    """One kind of controller for one robot. Driven by one thread, at the control rate; owns no clock."""

    def begin(self, q: Floats) -> None:
        """Armed and at rest at measured joints (n,) [rad], without a target: nothing moves."""
        ...

    def admit(self, action: Floats, tick: int) -> None:
        """Takes the action (D,) of a tick, moved into bounds; raises ControlError when it is refused."""
        ...

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; raises ControlError when it is not newer than the last."""
        ...

    def desired(self, stream: JointStream, measured: MeasuredJoints) -> Floats:
        """Joint positions (n,) [rad] to have one period from now."""
        ...

    def rebase(self, q: Floats) -> None:
        """Goes on from `q` (n,) [rad]: the guard held the robot back there."""
        ...

    def effort(self, stream: JointStream, measured: MeasuredJoints, stopping: bool) -> Floats:
        """Torques (n,) [N m] that follow the guarded stream, which may be coming to rest; for effort interfaces."""
        ...

    def along(self, source: "PathSource") -> "Law":
        """The law that moves this robot along another path, such as a planned move's."""
        ...


class PathSource(Protocol):
    """Takes targets tick by tick, gives joint positions (n,) [rad] update by update. Not thread safe."""

    def begin(self, q: Floats) -> None:
        """Begins at rest at measured joints (n,), without a target."""
        ...

    def admit(self, action: Floats, tick: int) -> None:
        """Takes the action (D,) of a tick; raises ControlError when it is refused."""
        ...

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; raises ControlError when it is not newer than the last."""
        ...

    def advance(self) -> Floats:
        """Moves one update along the path and returns where that is, (n,)."""
        ...

    def rebase(self, q: Floats) -> None:
        """Goes on from `q` (n,), because the robot was not allowed to follow."""
        ...


class Sourced:
    """The part of a law that passes targets on to what turns them into a joint path."""

    def __init__(self, source: PathSource) -> None:
        self.source = source

    def begin(self, q: Floats) -> None:
        """See `Law`."""
        self.source.begin(q)

    def admit(self, action: Floats, tick: int) -> None:
        """See `Law`."""
        self.source.admit(action, tick)

    def skip(self, tick: int) -> None:
        """See `Law`."""
        self.source.skip(tick)

    def rebase(self, q: Floats) -> None:
        """See `Law`."""
        self.source.rebase(q)

    def effort(self, stream: JointStream, measured: MeasuredJoints, stopping: bool) -> Floats:
        """No torque; see `Law`."""
        return np.zeros_like(stream.q)

    def along(self: SourcedT, source: PathSource) -> SourcedT:
        """See `Law`."""
        twin = copy.copy(self)
        twin.source = source
        return twin


class PathLaw(Sourced):
    """What is desired is the path: for robots that are told positions."""

    def desired(self, stream: JointStream, measured: MeasuredJoints) -> Floats:
        """The next point of the path; see `Law`."""
        return self.source.advance()
