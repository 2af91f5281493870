"""Policies that are compared with each other, trained alike: one first stage, and from it every objective.

first ----> legato_<task>         the same data, start, steps and seed for all; with frozen image encoders also the
      |---> flow_<task>           same encoder, and pictures that are encoded once for the whole set
      |---> legato_<task>_no_condition ...

Without `first` and `base` each begins with fresh weights of the same seed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel, merge, parse_model
from segue_core.contracts.search import folder_word
from segue_core.errors import ConfigError, ErrorCode, PolicyError, unknown_name

TASK = "{task}"
VIEWS = ".views"
_WRITTEN_FIRST = ("*.csv", "curves.png", "config.yaml", "tensorboard", "*state.safetensors*", "state.json*")


class SetConfig(StrictModel):
    """A file of `config/training` that trains several policies."""

    training: dict[str, Any] = Field(
        default_factory=dict, description="settings of every training in the set, over its own"
    )
    first: dict[str, Any] | None = Field(
        default=None,
        description="settings of the first stage, as of a policy of its own; none: all begin afresh",
    )
    base: str | None = Field(
        default=None, description="a checkpoint to take as the first stage, instead of `first`"
    )
    then: dict[str, Any] = Field(default_factory=dict, description="settings that the policies share")
    policies: dict[str, dict[str, Any]] = Field(
        min_length=1, description="each policy's own settings by its folder, in which {task} is the task"
    )
    only: tuple[str, ...] = Field(
        default=(), description="some of `policies`, such as [legato, flow]; empty: all"
    )


@dataclass(frozen=True)
class TrainingStage:
    """One training of several: its folder and settings, whether it may see corrections, and data of its own if any."""

    folder: Path
    settings: dict[str, Any]
    corrected: bool
    data: Path | None = None


def is_set(settings: Mapping[str, Any]) -> bool:
    """Whether settings describe a set, and not one policy."""
    return "policies" in settings


def stages(settings: Mapping[str, Any], source: str, task: str | None, out: Path) -> list[TrainingStage]:
    """The trainings of a set into folders of `out`, in their order.

    Raises:
        ConfigError: malformed settings, a policy in `only` that the set has not, or no task for its names.
    """
    config = parse_model(dict(settings), SetConfig, source)
    if task is None:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"{source} names its policies by a task", do="give task=NAME"
        )
    task = folder_word(task)
    for folder in (name.replace(TASK, task) for name in config.policies):
        if folder in ("", ".", "..") or Path(folder).name != folder:
            expected = "a plain folder name, no separators"
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, f"{source}: policies", got=repr(folder), expected=expected
            )
    short = {name.replace(f"_{TASK}", ""): name for name in config.policies}
    for name in config.only:
        if name not in short:
            raise unknown_name("policy of the set", name, short)
    every = {"training": config.training}
    first, begun = _beginning(config, every, task, out)
    shared = merge(every, begun)
    chosen = [short[name] for name in config.only or short]
    return first + [
        TrainingStage(
            out / name.replace(TASK, task),
            merge(merge(config.then, config.policies[name]), shared),
            corrected=True,
        )
        for name in chosen
    ]


def _beginning(
    config: SetConfig, every: Mapping[str, Any], task: str, out: Path
) -> tuple[list[TrainingStage], dict[str, Any]]:
    """The first stage where there is one to train, and the settings that begin each policy with it."""
    base, first = Path(config.base) if config.base else out / f"first_{task}", config.first
    if config.base is None and first is None:
        return [], {}
    trained = (
        [] if config.base or first is None else [TrainingStage(base, merge(first, every), corrected=False)]
    )
    return trained, {"training": {"init": str(base), "kept_views": str(out / VIEWS)}}


def found(folders: Sequence[Path], resume: bool, first: bool = True) -> set[Path]:
    """Those of a set's folders that hold a training to go on with; what is finished is found so at once.

    Args:
        resume: without it no folder may be there.
        first: whether this process may tidy up: an attempt that had saved nothing yet is begun anew.

    Raises:
        PolicyError: TRAINING_FAILED, naming the folder that is in the way.
    """
    from segue_policies.training.state_numbers import NUMBERS

    there = [folder for folder in folders if folder.exists() and any(folder.iterdir())]
    if there and not resume:
        raise PolicyError(
            ErrorCode.TRAINING_FAILED,
            f"{there[0]} is not empty",
            do="go on with --resume or choose another out=DIR",
        )
    begun = {folder for folder in there if (folder / "training" / NUMBERS).is_file()}
    for folder in set(there) - begun if first else ():
        if not _is_attempt(folder):
            raise PolicyError(ErrorCode.TRAINING_FAILED, f"{folder} is not a training to go on with")
        shutil.rmtree(folder)
    return begun


def _is_attempt(folder: Path) -> bool:
    """Whether there is nothing but what a training writes before it saves its state; somebody's own files are none."""
    if [path.name for path in folder.iterdir()] != ["training"] or not (folder / "training").is_dir():
        return False
    names = [path.name for path in (folder / "training").iterdir()]
    return all(any(fnmatch(name, pattern) for pattern in _WRITTEN_FIRST) for name in names)
