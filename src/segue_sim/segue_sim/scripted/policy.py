"""The scripted policy: what the expert does from here, H rows ahead.

    request for tick o         o ...... o+d-1 | o+d ............... o+H-1
    rows                       the reference  | the expert, from after what it planned for o+d-1
    replica                    executes all of them, from the true state of the world at tick o

What will be executed anyway is executed in the replica too, so a chunk begins where the one before has led.
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from segue_core.arrays import Floats
from segue_core.chunk import ActionChunk
from segue_core.contracts.lockstep import LockstepRobot
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_sim import snapshot
from segue_sim.episode import Episode
from segue_sim.scripted.imagination import Imagination
from segue_sim.snapshot import Snapshot

HORIZON = 60
_SAME = 1e-5  # rows of a chunk travel as float32


def scripted_info(robot: LockstepRobot, horizon: int = HORIZON) -> PolicyInfo:
    """What the scripted policy of a robot is: its chunks follow what is executed anyway, so any guidance fits."""
    return PolicyInfo(
        name="scripted",
        action_space=robot.action_space,
        horizon=horizon,
        num_steps=1,
        rate_hz=robot.tick_rate_hz,
        cameras=(),
        image_size=(16, 16),
        capabilities=frozenset({"prefix_conditioning", "per_step_guidance"}),
        max_delay=horizon,
        max_ramp=horizon,
    )


class StateSource(Protocol):
    """Where the true state of the world comes from."""

    def at(self, tick: int) -> Snapshot | None:
        """The world at `tick`; None while there is no world yet. Raises PolicyError when that tick is not to be had."""
        ...


class WorldSource:
    """The state of a world in the same process, which stands still while it is asked: for lockstep."""

    def __init__(self, world: Episode) -> None:
        self._world = world

    def at(self, tick: int) -> Snapshot:
        """The world as it is."""
        return snapshot.take(self._world)


class ScriptedPolicy:
    """A `segue_core.policy.Policy` that is privileged: it sees the simulator's state, and no picture."""

    def __init__(
        self, robot: RobotConfig, task: TaskConfig, source: StateSource, horizon: int = HORIZON
    ) -> None:
        self._source, self._imagined = source, Imagination(robot, task)
        self._origin: int | None = None  # tick of the first planned action
        self._info = scripted_info(robot, horizon)

    @property
    def info(self) -> PolicyInfo:
        """Continues what is executed exactly, so it needs no guidance."""
        return self._info

    def reset(self) -> None:
        """A new episode begins with the next request."""
        self._origin = None

    def predict(self, request: PredictRequest) -> PredictResult:
        """See the module; raises PolicyError when the state of the tick asked is not to be had."""
        began = time.perf_counter()
        now = self._source.at(request.start_tick)
        if now is None:
            now, self._origin = snapshot.take(self._imagined.world), None
        index = self._due(request, now.seed)
        if index is None:
            self._imagined.begin(now)
            index = 0
        self._origin = request.start_tick - index
        rows = self._rows(request, now, index)
        name, over = self._info.name, self._imagined.done
        chunk = ActionChunk(rows.astype(np.float32), request.start_tick, name, request.sequence, stop=over)
        return PredictResult(chunk, time.perf_counter() - began)

    def _rows(self, request: PredictRequest, now: Snapshot, index: int) -> Floats:
        imagined, start = self._imagined, request.start_tick
        planned = min(request.delay, len(imagined.actions) - index, self._info.horizon)
        controller = imagined.controller_at(index)
        reference = request.reference[:planned].astype(np.float64)
        imagined.branch(index + planned)
        imagined.set(now, controller)
        for row, action in enumerate(reference):
            imagined.follow(action, start + row)
        fresh = [imagined.act(start + row) for row in range(planned, self._info.horizon)]
        return np.array([*reference, *fresh])

    def _due(self, request: PredictRequest, seed: int) -> int | None:
        """Which planned action is due at the tick asked; None when nothing planned is being executed.

        The reference tells: its rows are the plan's from there on, or, after a starvation, the last one that was
        executed. The tick alone would not do: a first chunk is dated to when it came.
        """
        if self._origin is None or seed != self._imagined.world.seed:
            return None
        actions, wanted = np.array(self._imagined.actions), _unpadded(request.reference.astype(np.float64))
        due = [i for i in range(len(actions)) if _same(actions[i:], wanted)]
        due = due or [i + 1 for i, action in enumerate(actions) if _same(action[None], wanted)]
        return min(due, key=lambda i: abs(i - (request.start_tick - (self._origin or 0))), default=None)


def _unpadded(reference: Floats) -> Floats:
    """A reference (H, D) without the repetitions of its last row."""
    other = np.flatnonzero((reference != reference[-1]).any(axis=1))
    return reference[: other[-1] + 2 if other.size else 1]


def _same(planned: Floats, wanted: Floats) -> bool:
    """Whether `wanted` (H, D) begins as `planned` (n, D) goes on."""
    rows = min(len(planned), len(wanted))
    return bool(np.abs(planned[:rows] - wanted[:rows]).max() < _SAME)
