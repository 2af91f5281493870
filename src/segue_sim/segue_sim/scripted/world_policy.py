"""The expert of a world that others wrote, as a policy: what it does from here, tried in the world itself and undone.

request for tick o         o ...... o+d-1 | o+d ............... o+H-1
rows                       the reference  | the world's expert, from what that leads to
"""

from __future__ import annotations

import time

import numpy as np

from segue_core.chunk import ActionChunk
from segue_core.contracts.lockstep import LockstepRobot
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_core.world import WorldPlant
from segue_sim.scripted.policy import HORIZON, scripted_info


class WorldScriptedPolicy:
    """A `segue_core.policy.Policy` that is privileged: it has the world."""

    def __init__(self, robot: LockstepRobot, world: WorldPlant, horizon: int = HORIZON) -> None:
        self._world, self._info = world, scripted_info(robot, horizon)
        self._under_way = False

    @property
    def info(self) -> PolicyInfo:
        """Continues what is executed exactly, so it needs no guidance."""
        return self._info

    def reset(self) -> None:
        """A new episode begins with the next request: until its answer comes, nothing moves."""
        self._under_way = False

    def predict(self, request: PredictRequest) -> PredictResult:
        """See the module; raises ConfigError where the world has no expert."""
        began, start = time.perf_counter(), request.start_tick
        planned = min(request.delay, self._info.horizon) if self._under_way else 0
        rows = [np.asarray(row, dtype=np.float64) for row in request.reference[:planned]]
        with self._world.imagined():
            for row in range(self._info.horizon):
                if row >= planned:
                    rows.append(self._world.expert_action())
                self._world.execute(rows[row], start + row)
        self._under_way = True
        chunk = ActionChunk(np.array(rows, dtype=np.float32), start, self._info.name, request.sequence)
        return PredictResult(chunk, time.perf_counter() - began)
