"""Joint states to the proprioceptive state that policies see: where the robot is, as an action vector."""

import numpy as np
from numpy.typing import NDArray

from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.robot import RobotConfig


class ProprioceptiveState:
    """Forward kinematics of one robot. Training data and the ROS graph both come through here."""

    def __init__(self, robot: RobotConfig) -> None:
        self._kinematics = Kinematics(robot)

    def __call__(self, q: NDArray[np.float64], grippers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The state (D,) for joints (n,) [rad] and openings (A,) in [0, 1]."""
        return self._kinematics.forward(q, grippers)
