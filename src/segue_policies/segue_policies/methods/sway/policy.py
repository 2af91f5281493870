"""A policy that sways: every tool, or every joint, goes to and fro where it started. Needs no trained weights.

For trying how a robot moves, and how a robot in motion stops.
"""

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.chunk import ActionChunk
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.deployment import Deployment
from segue_policies.policy_info import blind_info

_HORIZON = 60
_PERIOD_S = 1.5
_WAY = {ChannelKind.POSITION: 0.15, ChannelKind.JOINT: 0.3}  # from one turn to the other [m] or [rad]


class SwayPolicy:
    """Row n of every chunk lies on one path that depends on the tick alone, so that chunks agree wherever they meet.

    The path goes from the first observation's pose towards the middle of the action space and back. What turns, and
    grippers, stay as they are.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._info = blind_info("sway", deployment.for_robot(), _HORIZON)
        self._start: tuple[int, NDArray[np.float64]] | None = None

    @property
    def info(self) -> PolicyInfo:
        """Fits any continuation that needs no gradient."""
        return self._info

    def reset(self) -> None:
        """The next request starts a new path."""
        self._start = None

    def predict(self, request: PredictRequest) -> PredictResult:
        """The next two seconds of the path."""
        if self._start is None:
            self._start = request.start_tick, np.asarray(request.observation.state, dtype=np.float64)
        first, home = self._start
        ticks = request.start_tick - first + np.arange(_HORIZON)
        share = 0.5 - 0.5 * np.cos(2.0 * np.pi * ticks / (_PERIOD_S * self._info.rate_hz))
        rows = home + share[:, None] * _way(self._info.action_space, home)
        return PredictResult(ActionChunk(rows, request.start_tick, self._info.name, request.sequence))


def _way(space: ActionSpace, home: NDArray[np.float64]) -> NDArray[np.float64]:
    """From one turn of the path to the other, (D,): towards the middle of each channel's bounds, at most to it."""
    way = np.zeros_like(home)
    for channel in space.channels:
        part = space.slice(channel.name)
        to_middle = 0.5 * (space.low[part] + space.high[part]) - home[part]
        far = float(np.linalg.norm(to_middle))
        if channel.kind in _WAY and far > 0.0:
            way[part] = to_middle * min(1.0, _WAY[channel.kind] / far)
    return way
