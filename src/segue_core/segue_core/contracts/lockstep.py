"""What lockstep, recording and training need of a robot and a task: less than the contracts of those that ROS runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from segue_core.action_space import ActionSpace


class LockstepRobot(Protocol):
    """A robot that is told actions, once per tick: `RobotConfig`, or a `WorldRobot`, which has no joints."""

    @property
    def name(self) -> str:
        """Who it is, in datasets and rows."""
        ...

    @property
    def tick_rate_hz(self) -> float:
        """Ticks per second: the rate of its action space."""
        ...

    @property
    def action_space(self) -> ActionSpace:
        """What its actions and its measured state mean."""
        ...

    @property
    def cameras(self) -> Collection[str]:
        """Names of its cameras, in the order of datasets."""
        ...

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with what the robot is."""
        ...

    def model_dump_json(self) -> str:
        """All of it as text."""
        ...


class LockstepTask(Protocol):
    """A task that can be tried from a seed: `TaskConfig`, or a `WorldTask`."""

    @property
    def name(self) -> str:
        """As commands take it."""
        ...

    @property
    def instruction(self) -> str:
        """What a policy with language is told."""
        ...

    @property
    def robot(self) -> str:
        """The robot that it is made for."""
        ...

    @property
    def time_limit_s(self) -> float:
        """Who is not done by then has failed [s]."""
        ...

    def model_dump_json(self) -> str:
        """All of it as text."""
        ...
