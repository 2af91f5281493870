"""The node of LeRobot's checkpoints."""

import sys
from pathlib import Path

from segue_core.policy import Policy
from segue_core.robot_config import RobotConfig
from segue_policies.common.checkpoint import Expected
from segue_policies.nodes.base import Parameters, PolicyNode
from segue_ros.lifecycle import run


class LeRobotNode(PolicyNode):
    """Serves any checkpoint of LeRobot that fits the robot's action space and cameras."""

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Read and check the checkpoint; LeRobot must be installed."""
        from segue_policies.lerobot.policy import LeRobotPolicy

        expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
        return LeRobotPolicy.load(Path(given.checkpoint), expected, given.threads)


def main() -> None:
    """Run a checkpoint of LeRobot until SIGINT or SIGTERM."""
    sys.exit(run(LeRobotNode))
