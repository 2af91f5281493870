"""Sways, and looks at every camera: what it saw of each, as its average colour, is printed per request.

Stands `instead` of the policy of a graph: `module("looking_policy")`.
"""

import sys
from dataclasses import replace

from segue_core.contracts.robot import RobotConfig
from segue_core.policy import Policy, PredictRequest, PredictResult
from segue_policies.deployment import Deployment
from segue_policies.methods.sway.policy import SwayPolicy
from segue_policies.node.policy import PolicyNode, PolicyParameters
from segue_ros.lifecycle import run

_SIZE = (64, 48)


class LookingPolicy(SwayPolicy):
    """Prints `saw CAMERA RED GREEN BLUE`."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__(Deployment(robot=robot))
        self._info = replace(self._info, cameras=tuple(robot.cameras), image_size=_SIZE)

    def predict(self, request: PredictRequest) -> PredictResult:
        """The next two seconds of the path."""
        for name in self.info.cameras:
            colour = request.observation.images[name].reshape(-1, 3).mean(axis=0)
            print("saw", name, *(f"{share:.0f}" for share in colour), flush=True)
        return super().predict(request)


class LookingNode(PolicyNode):
    """Serves `LookingPolicy`."""

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """Nothing to load."""
        return LookingPolicy(robot)


if __name__ == "__main__":
    sys.exit(run(LookingNode))
