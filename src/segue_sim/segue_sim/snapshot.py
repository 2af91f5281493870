"""The whole physical state of a world, to be carried to a replica of it and put down there."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from segue_core.arrays import Floats
from segue_core.errors import ErrorCode, PolicyError
from segue_sim.episode import Episode

_EVERYTHING = int(
    mujoco.mjtState.mjSTATE_INTEGRATION
)  # with the solver's warm start: steps go on bit for bit


@dataclass(frozen=True, eq=False)
class Snapshot:
    """State of the world of `task` in episode `seed`; `values` (n,) in MuJoCo's order of mjSTATE_INTEGRATION."""

    task: str
    seed: int
    values: Floats


def take(world: Episode) -> Snapshot:
    """What `world` is like now."""
    values = np.empty(mujoco.mj_stateSize(world.model, _EVERYTHING))
    mujoco.mj_getState(world.model, world.data, values, _EVERYTHING)
    return Snapshot(world.task.name, world.seed, values)


def put(world: Episode, snapshot: Snapshot) -> None:
    """Make `world`, reset to the same seed, like `snapshot`; what experts and judges look at is up to date then.

    Raises:
        PolicyError: the snapshot is of another task, seed or size.
    """
    size = mujoco.mj_stateSize(world.model, _EVERYTHING)
    got = (snapshot.task, snapshot.seed, len(snapshot.values))
    expected = (world.task.name, world.seed, size)
    if got != expected:
        text = "state of the simulator (task, seed, size)"
        raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text, got=got, expected=expected)
    world.hold()  # its motors forget what they were told before
    mujoco.mj_setState(world.model, world.data, snapshot.values, _EVERYTHING)
    world.forget_commands()
    refresh(world)


def refresh(world: Episode) -> None:
    """Bring positions and contacts up to date with the joints; does not change what the next step does."""
    mujoco.mj_fwdPosition(world.model, world.data)
