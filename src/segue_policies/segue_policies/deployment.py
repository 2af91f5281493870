"""What a policy is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from segue_core.contracts.lockstep import LockstepRobot, LockstepTask
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.runtime import Runtime

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Deployment:
    """One policy for one robot, task and device; what a caller does not have is None.

    Args:
        checkpoint: folder of the trained weights.
        method: of the policy, by name; empty: that of the checkpoint.
        expected: what the checkpoint has to fit.
        robot, task: the contracts.
        options: settings of the method's `options` that are not the usual ones.
        world: for a privileged method: `at(tick)` gives the simulator's state; or a `segue_core.world.WorldPlant`.
    """

    checkpoint: Path | None = None
    method: str = ""
    expected: Expected = field(default_factory=Expected)
    runtime: Runtime = field(default_factory=Runtime)
    robot: LockstepRobot | None = None
    task: LockstepTask | None = None
    world: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def folder(self) -> Path:
        """The checkpoint; raises ConfigError where there is none."""
        return _given("checkpoint", self.checkpoint, "give checkpoint:=FOLDER")

    def for_robot(self) -> LockstepRobot:
        """The robot; raises ConfigError where there is none."""
        return _given("robot", self.robot, "say which robot it is for")

    def simulated(self) -> tuple[RobotConfig, TaskConfig]:
        """The contracts that our own simulator can build; raises ConfigError where there are none."""
        robot = self.robot if isinstance(self.robot, RobotConfig) else None
        task = self.task if isinstance(self.task, TaskConfig) else None
        do = "say which, one that our own simulator has"
        return _given("robot with a contract", robot, do), _given("task with a contract", task, do)


def _given(what: str, value: ValueT | None, do: str) -> ValueT:
    if value is None:
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"the policy needs a {what}", do=do)
    return value


def expected_by(robot: RobotConfig) -> Expected:
    """What a robot needs from a checkpoint: its action space and its cameras."""
    return Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
