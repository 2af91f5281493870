"""`segue corrections`: let a policy act, and write down what the expert would do where it led."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_data.contracts import load_robot, load_task, task_names
from segue_data.datasets.corrections import CorrectionsInfo
from segue_eval import options
from segue_eval.build import Setup, SimulatedRunner, check
from segue_eval.corrections import CorrectionRunner, claim, finished, gather
from segue_eval.evaluate import Failure, default_workers, run_jobs
from segue_eval.progress import ProgressBar
from segue_eval.seeds import parse_seeds
from segue_sim import experts

_TEXT = """\
Let a policy act in simulation and write down, at every request, what the task's expert would have done from there.
The expert must be one that can begin anywhere, as that of pick_place.
`segue train --corrections FOLDER` learns from it when not to trust a plan that turned out wrong.

  segue corrections --checkpoint trained --seeds 30000:30500 --out data/corrections
  segue train --config CONFIG --data DATASET --init trained --corrections data/corrections --out better
"""


def add_corrections(subparsers: Any) -> None:
    """Add `corrections` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "corrections",
        help="let a policy act and write down what the expert would have done instead",
        description=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_setup_arguments(parser)
    parser.add_argument("--seeds", required=True, help="FIRST:END, END excluded; not those you evaluate on")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the corrections, new or unfinished"
    )
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=run_corrections)


def run_corrections(arguments: argparse.Namespace) -> int:
    """Collect corrections of all seeds; finished episodes of an interrupted collection are kept."""
    setup, seeds, out = options.setup_from(arguments), parse_seeds(arguments.seeds), arguments.out
    if (out / "corrections.json").exists():
        text = f"{out} is complete already"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do="choose another --out")
    check(setup)
    _check_expert(setup.task)
    info = _info(setup, arguments.seeds)
    unfinished = out.with_name(out.name + ".unfinished")
    claim(unfinished, setup.to_dict())
    _collect(setup, [seed for seed in seeds if seed not in finished(unfinished)], unfinished, arguments)
    count = gather(unfinished, out, seeds, info)
    shutil.rmtree(unfinished)
    print(f"{count} corrections of {len(seeds)} episodes: {out}")
    return 0


def _check_expert(task: str) -> None:
    if not experts.takes_over(load_task(task)):
        can = [name for name in task_names() if experts.takes_over(load_task(name))]
        text = f"the expert of task '{task}' cannot go on from where a policy has brought the robot"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, text, allowed=can, do="take a task of an expert that can"
        )


def _collect(setup: Setup, seeds: list[int], folder: Path, arguments: argparse.Namespace) -> None:
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


def _info(setup: Setup, seeds: str) -> CorrectionsInfo:
    runner = SimulatedRunner(setup)()
    origin: Mapping[str, Any] = setup.to_dict() | {"seeds": seeds, "checkpoint": Path(setup.checkpoint).name}
    lengths, robot = runner.lengths, load_robot(setup.robot)
    return CorrectionsInfo(
        cameras=runner.policy.info.cameras,
        action_space=robot.action_space.to_dict(),
        delay=lengths.delay,
        known=lengths.delay + lengths.ramp,
        origin=origin,
    )
