"""A policy that stays where it is: for trying out a robot, a graph or a recording without trained weights."""

import numpy as np

from segue_core.chunk import ActionChunk
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.deployment import Deployment
from segue_policies.policy_info import blind_info

_HORIZON = 60


class HoldPolicy:
    """Every row of every chunk is the measured state of its observation."""

    def __init__(self, deployment: Deployment) -> None:
        self._info = blind_info("hold", deployment.for_robot(), _HORIZON)

    @property
    def info(self) -> PolicyInfo:
        """Fits any continuation that needs no gradient."""
        return self._info

    def reset(self) -> None:
        """Nothing is kept."""

    def predict(self, request: PredictRequest) -> PredictResult:
        """The state, repeated."""
        rows = np.tile(request.observation.state, (_HORIZON, 1))
        return PredictResult(ActionChunk(rows, request.start_tick, self._info.name, request.sequence))
