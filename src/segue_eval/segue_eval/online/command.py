"""`segue finetune`: roll a policy out, learn from its episodes, and again.

OUT/rounds/K/episodes/SEED.npz     what was seen
OUT/rounds/K/learned/              the checkpoint after round K, with all episodes up to then
OUT/rounds/K/scores.json           the round is over
OUT/                               the last round's checkpoint, scores.csv and curves.png
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, RootModel

from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_core.exit_status import ExitStatus
from segue_core.files import read_written
from segue_data.contracts import config_folder
from segue_data.storage.atomic import write_text
from segue_eval import options
from segue_eval.build import Setup, check, digest
from segue_eval.corrections import claim
from segue_eval.evaluate import Failure, run_jobs
from segue_eval.online.collect import RolloutRunner, Sight
from segue_eval.online.curves import write_curves
from segue_eval.progress_bar import ProgressBar
from segue_eval.seeds import parse_seeds
from segue_eval.settings import FinetuneOptions
from segue_policies.estimator_loading import check_estimator, estimator_folder
from segue_policies.online_finetuning import learn_online, online_method
from segue_policies.policy_loading import check_checkpoint
from segue_policies.samples.rollouts import load_rollout

_ROUNDS, _SCORES, _LEARNED, _EPISODES = "rounds", "scores.json", "learned", "episodes"


def run_finetune(arguments: FinetuneOptions) -> int:
    """Every round that is not over yet; the same command goes on after an interruption."""
    setup = options.setup_from(arguments)
    begun = _begun(arguments, setup)
    sight, seeds = _sight(arguments, setup, begun), parse_seeds(arguments.seeds)
    _check(arguments, setup, begun, seeds)
    own = setup.to_dict() | {
        "learner": digest(begun),
        "seeds": arguments.seeds,
        "rounds": arguments.rounds,
        "learn": dict(arguments.learn),
    }
    claim(arguments.out / _ROUNDS, own)
    current = begun
    for number, part in enumerate(np.array_split(seeds, arguments.rounds)):
        current = _round(arguments, setup, sight, current, number, part.tolist())
        _draw(arguments.out)
    for file in current.iterdir():
        shutil.copy2(file, arguments.out)
    print(f"{arguments.out}: finetuned; curves.png, scores.csv and README.md say what it gave")
    return ExitStatus.SUCCESS


def _begun(arguments: FinetuneOptions, setup: Setup) -> Path:
    """The checkpoint that learns: the estimator that is named, else the policy's own."""
    if not arguments.progress:
        return Path(setup.checkpoint)
    return Path(estimator_folder(arguments.progress, setup.task, config_folder() / "checkpoints")).resolve()


def _sight(arguments: FinetuneOptions, setup: Setup, begun: Path) -> Sight:
    if arguments.progress:
        info = check_estimator(begun, tuple(setup.contracts()[0].cameras))
        return Sight(info.cameras, info.image_size)
    policy = check_checkpoint(begun)
    return Sight(policy.cameras, policy.image_size)


def _check(arguments: FinetuneOptions, setup: Setup, begun: Path, seeds: Sequence[int]) -> None:
    check(setup)
    online_method(begun)
    if len(seeds) < arguments.rounds:
        expected = f"at most {len(seeds)}, one seed each"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "rounds", got=arguments.rounds, expected=expected)


def _round(
    arguments: FinetuneOptions, setup: Setup, sight: Sight, current: Path, number: int, seeds: list[int]
) -> Path:
    """Collect and learn what is missing of a round; returns its checkpoint."""
    rounds = arguments.out / _ROUNDS
    folder = rounds / str(number)
    learned = folder / _LEARNED
    if (folder / _SCORES).is_file():
        return learned
    acting = setup if arguments.progress else replace(setup, checkpoint=str(current))
    _collect(arguments, RolloutRunner(acting, sight, folder / _EPISODES), seeds, f"round {number + 1}")
    files = [
        file
        for earlier in range(number + 1)
        for file in sorted(filter(_is_episode, (rounds / str(earlier) / _EPISODES).glob("*.npz")), key=_seed)
    ]
    scores = learn_online(current, [load_rollout(file) for file in files], arguments.learn, learned)
    write_text(folder / _SCORES, json.dumps(scores, indent=2) + "\n")
    print(f"round {number + 1}: " + ", ".join(f"{name} {value:.3g}" for name, value in scores.items()))
    return learned


def _is_episode(file: Path) -> bool:
    return file.stem.isdecimal()


def _seed(file: Path) -> int:
    return int(file.stem)


def _collect(arguments: FinetuneOptions, factory: RolloutRunner, seeds: list[int], label: str) -> None:
    todo = [seed for seed in seeds if not (factory.folder / f"{seed}.npz").is_file()]
    bar = ProgressBar(len(seeds), label, len(seeds) - len(todo), quiet=arguments.quiet)
    try:
        for seed, outcome in run_jobs(factory, todo, arguments.workers):
            if isinstance(outcome, Failure):
                text = f"episode of seed {seed} failed: {outcome.text}"
                raise ConfigError(ErrorCode.PROCESS_FAILED, text)
            bar.step(f"seed {seed}: {'success' if outcome else 'no success'}")
    finally:
        bar.close()


def _draw(out: Path) -> None:
    found = (file for file in (out / _ROUNDS).glob(f"*/{_SCORES}") if file.parent.name.isdecimal())
    files = sorted(found, key=lambda file: int(file.parent.name))
    write_curves(out, read_scores(files))


class _Scores(RootModel[dict[str, Annotated[float, Field(strict=True)]]]):
    """Scores of a round, by name."""


def read_scores(files: Sequence[Path]) -> list[dict[str, float]]:
    """Of all rounds; raises DataError for a file that no round wrote, or that has other scores than the first."""
    do = "delete it, and its round is learned again"
    wrong = partial(DataError, ErrorCode.DATA_DATASET_INVALID, do=do)
    scores = [read_written(file, _Scores, wrong).root for file in files]
    for file, found in zip(files, scores, strict=True):
        if not found or found.keys() != scores[0].keys():
            raise wrong(f"{file}: scores", got=", ".join(found), expected=", ".join(scores[0]))
    return scores
