"""All episodes of all cells in one pool of processes; finished ones are kept, so the same command goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segue_core.policy import Policy
from segue_core.progress.estimator import ProgressEstimator
from segue_core.world import Plant
from segue_eval.build import Runner, Setup, deployment, estimator_for, method_for
from segue_eval.evaluate import Failure, run_jobs
from segue_eval.progress_bar import ProgressBar
from segue_eval.result import EpisodeResult
from segue_eval.rows import RowFile
from segue_eval.suite.plan import Job, cell_folder, identity
from segue_policies.policy_loading import make_policy

Key = tuple[str, str]  # (task, cell)
Episode = tuple[Key, int]  # (cell, seed)


@dataclass(frozen=True)
class Cell:
    """What a job left behind: a result per seed, or why there is none."""

    job: Job
    results: tuple[EpisodeResult, ...] = ()
    missing: str = ""


@dataclass
class Bench:
    """Runners of all setups in one process. The last world is kept, and the policies that acted in it."""

    setups: Mapping[Key, Setup]
    policies: dict[tuple[str, str, str], Policy] = field(default_factory=dict)
    estimators: dict[str, ProgressEstimator | None] = field(default_factory=dict)
    plant_of: tuple[str, str] = ("", "")
    plant: Plant | None = None
    told: object = None  # what a privileged policy is told of the world

    def __call__(self, episode: Episode) -> EpisodeResult:
        """One episode of one cell."""
        key, seed = episode
        setup = self.setups[key]
        return self.runner(setup, self.policy(setup))(seed)

    def policy(self, setup: Setup) -> Policy:
        """The policy of a setup, in its world."""
        robot, task = setup.contracts()
        world = setup.robot, task.model_dump_json()
        if self.plant is None or self.plant_of != world:
            self.plant, self.told = setup.plant()
            self.plant_of = world
            self.policies.clear()
        made = (setup.policy, setup.checkpoint, json.dumps(dict(setup.policy_options), sort_keys=True))
        if made not in self.policies:
            given = deployment(setup, robot, task, self.told)
            self.policies[made] = make_policy(method_for(setup.policy), given)
        return self.policies[made]

    def runner(self, setup: Setup, policy: Policy) -> Runner:
        """Runs `policy` in the world where the setup's own was asked for last."""
        assert self.plant is not None
        robot, task = setup.contracts()
        if setup.progress not in self.estimators:
            self.estimators[setup.progress] = estimator_for(setup, robot)
        return Runner(robot, task, policy, self.plant, setup, self.estimators[setup.progress])


@dataclass(frozen=True)
class BenchFactory:
    """Makes a process's runner of any (cell, seed); picklable."""

    setups: Mapping[Key, Setup]

    def __call__(self) -> Bench:
        """Nothing is loaded before it is needed."""
        return Bench(self.setups)


def run_suite(
    jobs: Sequence[Job], seeds: Sequence[int], root: Path, workers: int, label: str, quiet: bool = False
) -> list[Cell]:
    """Run what is missing of every job that can run; a cell with a failing episode is reported, the others go on.

    Args:
        root: folder of the rows, one folder per setup.
    """
    setups = {job.key: job.setup for job in jobs if job.setup is not None}
    rows = {key: RowFile(cell_folder(root, s) / "rows.jsonl", identity(s)) for key, s in setups.items()}
    names = {job.key: job.name for job in jobs}
    todo = [(key, seed) for key in setups for seed in seeds if seed not in rows[key].results]
    total = len(setups) * len(seeds)
    bar = ProgressBar(total, label, total - len(todo), quiet=quiet)
    failed: dict[Key, str] = {}
    try:
        for (key, seed), outcome in run_jobs(BenchFactory(setups), todo, workers):
            if isinstance(outcome, Failure):
                failed.setdefault(key, f"seed {seed} failed: {outcome.text.strip()}")
            else:
                rows[key].add(outcome)
            bar.step(f"{names[key]}, seed {seed}")
    finally:
        bar.close()
    return [_cell(job, seeds, rows.get(job.key), failed.get(job.key, "")) for job in jobs]


def _cell(job: Job, seeds: Iterable[int], rows: RowFile | None, failure: str) -> Cell:
    if rows is None or failure:
        return Cell(job, missing=failure or job.missing)
    return Cell(job, tuple(rows.results[seed] for seed in seeds))
