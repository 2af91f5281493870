"""One task of Meta-World under absolute targets: the benchmark's environment, stepped with its own actions.

target p [m]                 told, as every action here is: where the tool goes
a = (p - mocap) / 0.01       what the benchmark calls an action, clipped to [-1, 1] as it clips: 1 cm per tick
mocap += 0.01 a              its step; the hand follows the mocap body
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import metaworld
import numpy as np
from metaworld.policies import ENV_POLICY_MAP
from numpy.typing import NDArray

from segue_core.arrays import Floats
from segue_core.task_state import TaskState
from segue_sim.cameras import CameraRig

_PER_SEED = 50  # tasks that the benchmark makes of one of its seeds
_BEST = 10.0  # the largest reward of a step


class _Size(NamedTuple):
    """Of a picture [pixels]."""

    width: int = 192
    height: int = 144


@lru_cache(maxsize=8)
def _tasks(name: str, seed: int) -> Sequence[Any]:
    tasks: Sequence[Any] = metaworld.MT1(name, seed=seed).train_tasks
    return tasks


class MetaWorldPlant:
    """A `segue_core.world.WorldPlant`. After its last step the world stands still, as the benchmark ends there."""

    def __init__(self, name: str, cameras: Sequence[str]) -> None:
        """Make the environment of the task `name`; it renders `cameras`, if any."""
        self._name = name
        self._env = metaworld.ALL_V3_ENVIRONMENTS[name]()
        self._expert = ENV_POLICY_MAP[name]()
        self._rig = CameraRig(self._env.model, dict.fromkeys(cameras, _Size())) if cameras else None
        self._seen: Floats = np.zeros(0)
        self._won, self._reward = False, 0.0

    def reset(self, seed: int) -> None:
        """The task of the benchmark that `seed` names, see the package."""
        self._env.set_task(_tasks(self._name, seed // _PER_SEED)[seed % _PER_SEED])
        self._seen, _ = self._env.reset()
        self._won, self._reward = False, 0.0

    def measured(self) -> Floats:
        """Hand and opening of the gripper (4,)."""
        return np.array(self._seen[:4], dtype=np.float64)

    def images(self) -> Mapping[str, NDArray[np.uint8]]:
        """One picture per camera."""
        return self._rig.render(self._env.data) if self._rig else {}

    def execute(self, action: Floats, tick: int) -> None:
        """One step of the environment towards the target (4,)."""
        if self._env.curr_path_length >= self._env.max_path_length:
            return
        toward = (action[:3] - self._env.data.mocap_pos[0]) / self._env.action_scale
        told = np.array([*np.clip(toward, -1.0, 1.0), 1.0 - 2.0 * action[3]])
        self._seen, reward, *_, info = self._env.step(told)
        self._won = self._won or bool(info["success"])
        self._reward = float(reward)

    def task_state(self) -> TaskState:
        """Success at any step so far; the score is the reward of the last one, of at most 10, or 1 with success."""
        score = 1.0 if self._won else min(1.0, max(0.0, self._reward / _BEST))
        text = "success" if self._won else f"reward {self._reward:.2f} of {_BEST:g}"
        return TaskState(self._won, score, int(self._won), 1, text)

    def interventions(self) -> Mapping[str, int]:
        """There is no guard in this world."""
        return {}

    def world_state(self) -> None:
        """Nobody draws this world afterwards."""

    def expert_action(self) -> Floats:
        """What the benchmark's own policy does now, as a target: where its displacement leads."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its gains ask for more than a step, whenever they do
            wanted = np.clip(self._expert.get_action(self._seen), -1.0, 1.0).astype(np.float64)
        env = self._env
        place = env.data.mocap_pos[0] + wanted[:3] * env.action_scale
        return np.array([*np.clip(place, env.mocap_low, env.mocap_high), (1.0 - wanted[3]) / 2.0])

    @contextmanager
    def imagined(self) -> Iterator[None]:
        """What is executed inside happens to a copy of the physics, and the environment forgets it."""
        remembered, mine = dict(vars(self._env)), dict(vars(self))
        self._env.data = copy.copy(self._env.data)
        try:
            yield
        finally:
            vars(self._env).update(remembered)
            vars(self).update(mine)
