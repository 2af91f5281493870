"""How often a policy has two ways to go on: where it has one, no continuation has a switch of modes to prevent.

request    observation -+- 24 draws of noise, without guidance -> do the paths fall into two groups?
                        '- the answer itself, which is executed
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, RootModel, model_validator

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats
from segue_core.blending import difference
from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_written
from segue_core.observation import Observation
from segue_core.policy import MemoryPolicy, Policy, PolicyInfo, PredictRequest, PredictResult, parts
from segue_core.sampling import PLAIN
from segue_data.storage.atomic import write_text
from segue_eval.build import Setup
from segue_eval.evaluate import Failure, run_jobs
from segue_eval.progress_bar import ProgressBar
from segue_eval.suite.plan import Job, cell_folder
from segue_eval.suite.run import Bench, Episode, Key

DRAWS = 24
_FILE = "modes.json"
_Count = Annotated[int, Field(ge=0, le=10**9, strict=True)]
_FEWEST = 3  # draws in the smaller group: one or two are outliers
_APART = (
    4.5  # group means, in standard deviations of a group: one Gaussian is split so far in one case of 200
)
_WORTH = {
    ChannelKind.POSITION: 0.02,
    ChannelKind.JOINT: 0.1,
}  # [m], [rad]: nearer ways are the same to a task


@dataclass(frozen=True)
class Modes:
    """Of a policy on a task: requests asked, and those for which its draws fell into two groups."""

    requests: int = 0
    two: int = 0

    @property
    def share(self) -> float:
        """Of two-moded requests; NaN without any request."""
        return self.two / self.requests if self.requests else float("nan")

    def __add__(self, other: Modes) -> Modes:
        return Modes(self.requests + other.requests, self.two + other.two)


def two_moded(space: ActionSpace, chunks: Floats) -> bool:
    """Whether drawn chunks (K, H, D) fall clearly into two groups of paths that differ by more than a task forgives."""
    gaps = difference(space, chunks[:1], chunks)
    seen = [gaps[..., space.slice(c.name)] / _WORTH[c.kind] for c in space.channels if c.kind in _WORTH]
    if len(chunks) < 2 * _FEWEST or not seen:
        return False
    flat = np.concatenate(seen, axis=-1).reshape(len(chunks), -1)
    flat = flat - flat.mean(axis=0)
    along = flat @ np.linalg.svd(flat, full_matrices=False)[2][0]
    order = np.argsort(along)
    line = along[order]
    within = [_within(line[:cut]) + _within(line[cut:]) for cut in range(_FEWEST, len(line) - _FEWEST + 1)]
    cut = _FEWEST + int(np.argmin(within))
    deviation = np.sqrt(min(within) / (len(line) - 2))
    apart = float(line[cut:].mean() - line[:cut].mean())
    ways = [part[order[cut:]].mean(axis=0) - part[order[:cut]].mean(axis=0) for part in seen]
    furthest = max(float(np.linalg.norm(way, axis=1).max()) for way in ways)
    return bool(apart > _APART * deviation) and furthest > 1.0


def _within(values: Floats) -> float:
    return float(np.square(values - values.mean()).sum())


class Drawn:
    """A policy that is asked more often than it answers: every request is drawn `DRAWS` times besides."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self.modes = policy, Modes()

    @property
    def info(self) -> PolicyInfo:
        """The policy's."""
        return self._policy.info

    def reset(self) -> None:
        """Forget the episode."""
        self._policy.reset()

    def predict(self, request: PredictRequest) -> PredictResult:
        """The policy's answer."""
        self._draw(request)
        return self._policy.predict(request)

    def stream(self, request: PredictRequest) -> Generator[PredictResult]:
        """The policy's answer in parts."""
        self._draw(request)
        yield from parts(self._policy, request)

    def observe(self, observation: Observation, executed: NDArray[np.float32]) -> None:
        """Tell a policy that remembers."""
        cast(MemoryPolicy, self._policy).observe(observation, executed)

    def fork(self) -> MemoryPolicy:
        """The policy's."""
        return cast(MemoryPolicy, self._policy).fork()

    def _draw(self, request: PredictRequest) -> None:
        free = replace(request, sampling=PLAIN.name, omega=np.zeros_like(request.omega), options={})
        seeds = np.random.SeedSequence(request.seed).generate_state(DRAWS)
        chunks = [self._policy.predict(replace(free, seed=int(seed))).chunk.actions for seed in seeds]
        rows = min(len(chunk) for chunk in chunks)
        paths = np.array([chunk[:rows] for chunk in chunks], dtype=np.float64)
        self.modes += Modes(1, int(two_moded(self.info.action_space, paths)))


@dataclass(frozen=True)
class _Counter:
    """Makes a process's counter of any (cell, seed); picklable."""

    setups: Mapping[Key, Setup]

    def __call__(self) -> Callable[[Episode], Modes]:
        bench = Bench(self.setups)

        def count(episode: Episode) -> Modes:
            key, seed = episode
            setup = self.setups[key]
            drawn = Drawn(bench.policy(setup))
            bench.runner(setup, drawn)(seed)
            return drawn.modes

        return count


def count_modes(
    jobs: Sequence[Job], seeds: Sequence[int], root: Path, workers: int, quiet: bool = False
) -> dict[Key, Modes]:
    """By (task, checkpoint) of every checkpoint that can run, in episodes of the first cell that has it.

    What is counted already is kept beside that cell's rows. A seed that fails is left out: its cell says why.
    """
    setups: dict[Key, Setup] = {}
    for job in jobs:
        if job.setup is not None and job.setup.checkpoint:
            setups.setdefault((job.task, Path(job.setup.checkpoint).name), job.setup)
    kept = {key: _Kept(cell_folder(root, setup) / _FILE) for key, setup in setups.items()}
    todo = [(key, seed) for key in setups for seed in seeds if str(seed) not in kept[key].counts]
    bar = ProgressBar(len(todo), "two-moded requests", quiet=quiet)
    try:
        for (key, seed), outcome in run_jobs(_Counter(setups), todo, workers):
            if not isinstance(outcome, Failure):
                kept[key].add(seed, outcome)
            bar.step(f"{' '.join(key)}, seed {seed}")
    finally:
        bar.close()
    return {key: counted.total(seeds) for key, counted in kept.items()}


class _Counts(RootModel[dict[str, tuple[_Count, _Count]]]):
    """Requests, and those with two ways to go on, by seed."""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> _Counts:
        for seed, (requests, two) in self.root.items():
            if not seed.isdecimal() or two > requests:
                raise ValueError(
                    f"{seed}: {two} of {requests} requests; allowed: a seed, and at most all of them"
                )
        return self


def read_counts(path: Path) -> dict[str, tuple[int, int]]:
    """Raises DataError for what `count_modes` does not write, naming the key."""
    do = "delete it, and its requests are counted again"
    return read_written(path, _Counts, partial(DataError, ErrorCode.DATA_DATASET_INVALID, do=do)).root


class _Kept:
    """Counts by seed, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.counts = read_counts(path) if path.is_file() else {}

    def add(self, seed: int, modes: Modes) -> None:
        self.counts[str(seed)] = (modes.requests, modes.two)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._path, json.dumps(self.counts) + "\n")

    def total(self, seeds: Sequence[int]) -> Modes:
        counted = (self.counts.get(str(seed), (0, 0)) for seed in seeds)
        return sum((Modes(*each) for each in counted), Modes())
