"""What a kind of controller is: a law between the guard's two checks.

    action -> guard.admit -> |  law: targets -> wish  | -> guard.limit -> |  law: torque  | -> guard -> wire
                             '------- every kind -----'                   '-- only torque --'

The wish is always joint positions one period ahead, whatever goes over the wire: the guard bounds positions, speeds,
accelerations and jerks of one stream. A robot that is told velocities gets that stream's speed; one that is told
torques gets what pulls it along the stream.
"""

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segue_control.commands import Measured
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits
from segue_core.contracts.robot import RobotConfig

Array = NDArray[np.float64]
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
class Stream:
    """The guarded joint stream: where it is `q` (n,) [rad] and how fast it goes `v` (n,) [rad/s]."""

    q: Array
    v: Array


class Law(Protocol):
    """One kind of controller for one robot. Driven by one thread, at the control rate; owns no clock."""

    def begin(self, q: Array) -> None:
        """Armed and at rest at measured joints (n,) [rad], without a target: nothing moves."""
        ...

    def admit(self, action: Array, tick: int) -> None:
        """Takes the action (D,) of a tick, moved into bounds; raises ControlError when it is refused."""
        ...

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; raises ControlError when it is not newer than the last."""
        ...

    def wish(self, stream: Stream, measured: Measured) -> Array:
        """Joint positions (n,) [rad] to have one period from now."""
        ...

    def rebase(self, q: Array) -> None:
        """Goes on from `q` (n,) [rad]: the guard held the robot back there."""
        ...

    def effort(self, stream: Stream, measured: Measured, stopping: bool) -> Array:
        """Torques (n,) [N m] that follow the guarded stream, which may be coming to rest; for effort interfaces."""
        ...

    def along(self, source: "PathSource") -> "Law":
        """The law that moves this robot along another path, such as a planned move's."""
        ...


class PathSource(Protocol):
    """Takes targets tick by tick, gives joint positions (n,) [rad] update by update. Not thread safe."""

    def begin(self, q: Array) -> None:
        """Begins at rest at measured joints (n,), without a target."""
        ...

    def admit(self, action: Array, tick: int) -> None:
        """Takes the action (D,) of a tick; raises ControlError when it is refused."""
        ...

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; raises ControlError when it is not newer than the last."""
        ...

    def advance(self) -> Array:
        """Moves one update along the path and returns where that is, (n,)."""
        ...

    def rebase(self, q: Array) -> None:
        """Goes on from `q` (n,), because the robot was not allowed to follow."""
        ...


class Sourced:
    """The part of a law that passes targets on to what turns them into a joint path."""

    def __init__(self, source: PathSource) -> None:
        self.source = source

    def begin(self, q: Array) -> None:
        """See `Law`."""
        self.source.begin(q)

    def admit(self, action: Array, tick: int) -> None:
        """See `Law`."""
        self.source.admit(action, tick)

    def skip(self, tick: int) -> None:
        """See `Law`."""
        self.source.skip(tick)

    def rebase(self, q: Array) -> None:
        """See `Law`."""
        self.source.rebase(q)

    def effort(self, stream: Stream, measured: Measured, stopping: bool) -> Array:
        """No torque; see `Law`."""
        return np.zeros_like(stream.q)

    def along(self: SourcedT, source: PathSource) -> SourcedT:
        """See `Law`."""
        twin = copy.copy(self)
        twin.source = source
        return twin


class PathLaw(Sourced):
    """The wish is the path: for robots that are told positions."""

    def wish(self, stream: Stream, measured: Measured) -> Array:
        """The next point of the path; see `Law`."""
        return self.source.advance()
