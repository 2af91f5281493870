"""The node of Legato checkpoints."""

import sys
from pathlib import Path

from segue_core.policy import Policy
from segue_core.robot_config import RobotConfig
from segue_policies.common.checkpoint import Expected
from segue_policies.nodes.base import Parameters, PolicyNode
from segue_ros.lifecycle import run


class LegatoNode(PolicyNode):
    """Serves a Legato checkpoint made for the robot's action space and cameras."""

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Read and check the checkpoint."""
        from segue_policies.legato.policy import LegatoPolicy

        expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
        return LegatoPolicy.load(Path(given.checkpoint), expected, given.threads)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run(LegatoNode))
