"""`segue corrections`: let a policy act, and write down what the expert would do where it led."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_data.contracts import load_robot, load_task, task_names
from segue_data.datasets.corrections import CorrectionsInfo
from segue_eval import options
from segue_eval.build import Runner, Setup, SimulatedRunner, check, policy_info
from segue_eval.corrections import CorrectionRunner, claim, finished, gather
from segue_eval.evaluate import Failure, run_jobs
from segue_eval.progress_bar import ProgressBar
from segue_eval.seeds import parse_seeds
from segue_eval.settings import CorrectionOptions
from segue_scheduler import continuation
from segue_scheduler.continuation.base import InferenceStart
from segue_sim import experts


def run_corrections(arguments: CorrectionOptions) -> int:
    """Collect corrections of all seeds; finished episodes of an interrupted collection are kept."""
    setup, seeds, out = options.setup_from(arguments), parse_seeds(arguments.seeds), arguments.out
    if (out / "corrections.json").exists():
        text = f"{out} is complete already"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do="choose another --out")
    _check_policy(setup)
    _check_expert(setup.task)
    runner = SimulatedRunner(setup)()
    _check_plan(runner)
    info = _info(runner, setup, arguments.seeds)
    unfinished = out.with_name(out.name + ".unfinished")
    claim(unfinished, setup.to_dict())
    _collect(setup, [seed for seed in seeds if seed not in finished(unfinished)], unfinished, arguments)
    count = gather(unfinished, out, seeds, info)
    shutil.rmtree(unfinished)
    print(f"{count} corrections of {len(seeds)} episodes: {out}")
    return 0


def _check_policy(setup: Setup) -> None:
    check(setup)
    info = policy_info(setup)
    if info.history != (0,) or info.observe_every:
        text = f"corrections are of one observation; policy {info.name!r} looks at others, or remembers them"
        got = f"history {info.history}, observe_every {info.observe_every}"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=got, expected="history (0,), observe_every 0")


def _check_expert(task: str) -> None:
    if not experts.takes_over(load_task(task)):
        can = [name for name in task_names() if experts.takes_over(load_task(name))]
        text = f"the expert of task '{task}' cannot go on from where a policy has brought the robot"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, text, allowed=can, do="take a task of an expert that can"
        )


def _check_plan(runner: Runner) -> None:
    """A correction is what should have become of a plan that the policy was shown."""
    config, lengths = runner.config, runner.lengths
    chosen = continuation.create(config.continuation, config.continuation_options)
    rows = np.zeros((config.horizon, runner.space.dim))
    start = InferenceStart(0, config.horizon, lengths.delay, lengths.ramp, config.ramp_kind, rows)
    shown = int(np.count_nonzero(chosen.omega(start)))
    if not shown or shown != lengths.delay + lengths.ramp:
        text = (
            f"continuation {config.continuation!r} shows a policy no whole plan, so there is none to correct"
        )
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, text, do="take legato or rtc, and a policy that can be asked so"
        )


def _collect(setup: Setup, seeds: list[int], folder: Path, arguments: CorrectionOptions) -> None:
    bar = ProgressBar(len(seeds), arguments.out.name, quiet=arguments.quiet)
    won = 0
    for seed, outcome in run_jobs(CorrectionRunner(setup, folder), seeds, arguments.workers):
        if isinstance(outcome, Failure):
            raise ConfigError(ErrorCode.PROCESS_FAILED, f"episode of seed {seed} failed: {outcome.text}")
        won += outcome.success
        bar.step(f"seed {seed}: {'success' if outcome.success else outcome.rule}")
    bar.close()
    if seeds:
        print(f"the policy alone solved {won} of {len(seeds)}")


def _info(runner: Runner, setup: Setup, seeds: str) -> CorrectionsInfo:
    origin: Mapping[str, Any] = setup.to_dict() | {"seeds": seeds, "checkpoint": Path(setup.checkpoint).name}
    lengths, robot = runner.lengths, load_robot(setup.robot)
    return CorrectionsInfo(
        cameras=runner.policy.info.cameras,
        action_space=robot.action_space.to_dict(),
        delay=lengths.delay,
        known=lengths.delay + lengths.ramp,
        origin=origin,
    )
