"""The nodes of the flow policies: one executable per objective, so that a checkpoint of another one is refused."""

import sys
from pathlib import Path
from typing import ClassVar

from segue_core.contracts.robot import RobotConfig
from segue_core.policy import Policy
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.node.base import Parameters, PolicyNode
from segue_ros.lifecycle import run


class FlowNode(PolicyNode):
    """Serves a checkpoint of `method` made for the robot's action space and cameras."""

    method: ClassVar[str] = "flow"

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Read and check the checkpoint."""
        from segue_policies.legato.policy import FlowPolicy

        expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
        return FlowPolicy.load(Path(given.checkpoint), expected, given.threads, self.method)


class LegatoNode(FlowNode):
    """Native continuation."""

    method = "legato"


class TrainingTimeRtcNode(FlowNode):
    """Continues a clean prefix."""

    method = "training_time_rtc"


class OneShotNode(FlowNode):
    """Guidance in the initial noise."""

    method = "one_shot"


class VlashNode(FlowNode):
    """Begins where the executing chunk leads."""

    method = "vlash"


def flow() -> None:
    """Run a `flow` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(FlowNode))


def legato() -> None:
    """Run a `legato` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(LegatoNode))


def training_time_rtc() -> None:
    """Run a `training_time_rtc` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(TrainingTimeRtcNode))


def one_shot() -> None:
    """Run a `one_shot` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(OneShotNode))


def vlash() -> None:
    """Run a `vlash` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(VlashNode))
