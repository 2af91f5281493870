"""The node of ACT."""

import sys
from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.policy import Policy
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.node.base import Parameters, PolicyNode
from segue_ros.lifecycle import run


class ActNode(PolicyNode):
    """Serves an ACT checkpoint made for the robot's action space and cameras."""

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Read and check the checkpoint."""
        from segue_policies.act.policy import ActPolicy

        expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
        return ActPolicy.load(Path(given.checkpoint), expected, given.threads)


def main() -> None:
    """Run an `act` checkpoint until SIGINT or SIGTERM."""
    sys.exit(run(ActNode))
