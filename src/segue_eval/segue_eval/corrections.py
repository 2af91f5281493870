"""Corrections: what the expert would do where a policy has brought itself (DAgger, Ross et al. 2011), chunk by chunk.

    the policy's episode   ----o----------------o+s-------------
    plan in play               |-- d --|~~~~ K ~~~~|               reference
    answer wanted              |-- d --|-------- expert --------|  H rows

At every request that has a plan to continue, time stops: the d rows are executed that will be executed anyway, the
expert takes over for the rest of the horizon, and what was commanded is the chunk that the policy should have answered.
Then everything is put back. So a policy learns when not to trust its own plan, which demonstrations never show: there
the plan is always right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import RootModel

from segue_core.action_space import ActionSpace
from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_core.files import read_arrays, read_written
from segue_core.policy import ChunkRequest
from segue_data.datasets.corrections import Correction, CorrectionsInfo, refuse_arrays, save
from segue_data.storage.atomic import write_text
from segue_eval.build import Runner, Setup, SimulatedRunner
from segue_eval.result import EpisodeResult
from segue_eval.rollout import observe
from segue_eval.simulated_plant import SimulatedPlant
from segue_scheduler.tick import TickInput, TickOutput
from segue_sim.experts import Expert
from segue_sim.scripted.taking_over import Witness, witness

_PARTS = "episodes"
_SETUP = "setup.json"
_ARRAYS = ("images", "state", "reference", "action")


@dataclass(frozen=True)
class CorrectionRunner:
    """Factory of episodes that write their corrections to `folder`/episodes/<seed>.npz (picklable)."""

    setup: Setup
    folder: Path

    def __call__(self) -> CorrectedEpisodes:
        """Build the world and load the policy; raises SegueError naming what is wrong."""
        return CorrectedEpisodes(SimulatedRunner(self.setup)(), self.folder)


class CorrectedEpisodes:
    """Runs episodes by a policy and corrects every request in them."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        if not isinstance(runner.plant, SimulatedPlant):
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "corrections need a simulated world")
        self._runner, self._plant, self._folder = runner, runner.plant, folder
        self._lengths = runner.lengths

    def __call__(self, seed: int) -> EpisodeResult:
        """One episode; its corrections are on disk when this returns."""
        collected: list[Correction] = []
        seen: Witness | None = None

        def correct(inputs: TickInput, output: TickOutput) -> None:
            nonlocal seen
            seen = seen or witness(self._plant.world)  # at the first tick: it has to see the beginning
            if output.request and self._regular(output.request):
                collected.append(self._correction(seen, output.request, inputs.tick))
            seen = seen.see(output.action)

        result = self._runner(seed, on_tick=correct)
        write_part(self._folder, seed, collected)
        return result

    def _regular(self, request: ChunkRequest) -> bool:
        """A first request has no plan; one after a fault may have a shorter one than the rest."""
        planned = self._lengths.delay + self._lengths.ramp
        return request.delay == self._lengths.delay and int(np.count_nonzero(request.omega)) == planned

    def _correction(self, seen: Witness, request: ChunkRequest, tick: int) -> Correction:
        policy, plan = self._runner.policy, request.reference.astype(np.float64)
        shown = observe(self._plant, policy, tick)
        planned = self._lengths.delay + self._lengths.ramp
        actions = np.empty(plan.shape, dtype=np.float32)
        with self._plant.imagined():
            expert: Expert | None = None
            for row in range(len(plan)):
                if row < request.delay:
                    action = plan[row]
                    seen = seen.see(action)
                else:
                    expert = expert or seen.taking_over(plan[request.delay : planned])
                    action = np.asarray(expert.act(), dtype=np.float64)
                actions[row] = action
                self._plant.execute(action, tick + row)
        images = np.stack([shown.images[name] for name in policy.info.cameras])
        return Correction(images, shown.state, request.reference, actions)


def write_part(folder: Path, seed: int, corrections: Sequence[Correction]) -> None:
    """Corrections of one episode, complete or not there at all."""
    parts = folder / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    images, state, reference, action = (
        np.array([getattr(correction, name) for correction in corrections]) for name in _ARRAYS
    )
    unfinished = parts / f".{seed}.npz"
    np.savez(unfinished, images=images, state=state, reference=reference, action=action)
    unfinished.rename(parts / f"{seed}.npz")


class _Claimed(RootModel[dict[str, Any]]):
    """What a collection was begun with."""


def claim(folder: Path, setup: Mapping[str, object]) -> None:
    """Begin a collection in `folder`, or go on with one of the same `setup`.

    Raises:
        DataError: the unfinished collection there is of another setup, naming what differs.
    """
    path = folder / _SETUP
    if path.is_file():
        wrong = partial(DataError, ErrorCode.DATA_DATASET_INVALID, do=f"remove {folder}")
        there = read_written(path, _Claimed, wrong).root
        now = json.loads(json.dumps(setup))
        differs = sorted(key for key in there.keys() | now.keys() if there.get(key) != now.get(key))
        if differs:
            text = f"{folder} holds an unfinished collection of another setup ({', '.join(differs)})"
            raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do="remove it, or choose another --out")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(setup, indent=2) + "\n")


def finished(folder: Path) -> set[int]:
    """Seeds whose episodes are already in `folder`."""
    return {int(path.stem) for path in (folder / _PARTS).glob("*.npz") if path.stem.isdecimal()}


def gather(folder: Path, out: Path, seeds: Sequence[int], info: CorrectionsInfo) -> int:
    """Put the episodes of `seeds` in `folder` together as corrections in `out`; returns how many corrections.

    Raises:
        DataError: `out` is occupied, or there is nothing to write.
    """
    space, cameras = ActionSpace.from_dict(info.action_space), len(info.cameras)
    corrections: list[Correction] = []
    for seed in seeds:
        corrections += read_part(folder / _PARTS / f"{seed}.npz", space, cameras, corrections[:1])
    save(out, corrections, info)
    return len(corrections)


def read_part(
    file: Path, space: ActionSpace, cameras: int, others: Sequence[Correction] = ()
) -> list[Correction]:
    """Corrections of one episode, of the same shapes as the `others`; none where the episode had none.

    Raises:
        DataError: it is not what `write_part` writes, naming the array.
    """
    try:
        arrays = read_arrays(file, _ARRAYS)
        if not any(map(len, arrays.values())):
            return []
        refuse_arrays(arrays, space, cameras)
        rows = [Correction(*row) for row in zip(*arrays.values(), strict=True)]
        for name in _ARRAYS if others else ():
            shapes = [getattr(one, name).shape for one in (rows[0], others[0])]
            if shapes[0] != shapes[1]:
                raise ValueError(f"{name} of shape {shapes[0]}, in other episodes {shapes[1]}")
    except (OSError, ValueError, TypeError) as error:
        do = "delete it, and its seed is collected again"
        text = f"{file}: {str(error).removeprefix(f'{file}: ')}"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do) from error
    return rows
