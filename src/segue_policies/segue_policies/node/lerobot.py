"""The node of LeRobot's checkpoints."""

import sys
from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.policy import Policy
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.lerobot.policy import LeRobotPolicy
from segue_policies.node.base import Parameters, PolicyNode
from segue_ros.lifecycle import run


class LeRobotNode(PolicyNode):
    """Serves any checkpoint of LeRobot that fits the robot's action space and cameras."""

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Read and check the checkpoint and start LeRobot, which lives in an environment of its own."""
        expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
        self._served = LeRobotPolicy.load(Path(given.checkpoint), expected, given.threads)
        return self._served

    def teardown(self) -> None:
        """Also ends LeRobot's process."""
        super().teardown()
        self._served.close()


def main() -> None:
    """Run a checkpoint of LeRobot until SIGINT or SIGTERM."""
    sys.exit(run(LeRobotNode))
