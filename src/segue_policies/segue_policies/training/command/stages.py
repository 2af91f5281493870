"""One training in stages: each has a method, settings, perhaps data of its own, and parts that were trained before.

    stages:
      eyes:   {method: flow, training: {steps: 2000}}
      policy: {method: legato, parts: {encoder: eyes}, data: more, training: {frozen_parts: [encoder]}}

      again:  {method: flow, init: eyes}         weights, normaliser and all, as `training.init` of any checkpoint

Every stage is a checkpoint in a folder of its name, OUT/eyes and OUT/policy, and is resumed like any training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel, merge, parse_model
from segue_core.errors import ConfigError, ErrorCode
from segue_policies.checkpoints.checkpoint import CONFIG
from segue_policies.method import find_method
from segue_policies.training.command.policy_set import TrainingStage

_BESIDE = ("data", "parts", "init")


class StagesConfig(StrictModel):
    """A file of `config/training` whose training has stages."""

    training: dict[str, Any] = Field(
        default_factory=dict, description="settings of every stage's training, over its own"
    )
    stages: dict[str, dict[str, Any]] = Field(
        min_length=1,
        description="by name, in their order: settings as of a policy of its own, and beside them `data`, another "
        "dataset, `parts`: part of the network to the earlier stage or checkpoint folder that it begins as, and "
        "`init`: the one whose weights and normaliser it begins with",
    )


class _Beside(StrictModel):
    """What a stage has beside the settings of its method."""

    data: Path | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    init: str | None = None


def is_staged(settings: Mapping[str, Any]) -> bool:
    """Whether settings describe several stages."""
    return "stages" in settings


def methods_of(settings: Mapping[str, Any], source: str) -> dict[str, str]:
    """The method of every stage, by its name; raises ConfigError as `staged`."""
    config = parse_model(dict(settings), StagesConfig, source)
    return {name: str(stage.get("method", "")) for name, stage in config.stages.items()}


def staged(settings: Mapping[str, Any], source: str, out: Path) -> list[TrainingStage]:
    """The trainings of all stages into folders of `out`, in their order.

    Raises:
        ConfigError: malformed settings, a name that is no folder's, or a part from what is neither an earlier stage nor
            a checkpoint.
    """
    config = parse_model(dict(settings), StagesConfig, source)
    jobs: list[TrainingStage] = []
    for name, stage in config.stages.items():
        where = f"{source}: stage {name}"
        if name in ("", ".", "..") or Path(name).name != name:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, where, got=repr(name), expected="a plain folder name"
            )
        beside = parse_model({key: stage[key] for key in _BESIDE if key in stage}, _Beside, where)
        before = {job.folder.name: job.folder for job in jobs}
        parts = {
            part: str(_checkpoint(given, before, f"{where}: parts")) for part, given in beside.parts.items()
        }
        own = {key: value for key, value in stage.items() if key not in _BESIDE}
        begun = {"init": str(_checkpoint(beside.init, before, f"{where}: init"))} if beside.init else {}
        whole = merge(merge(own, {"training": config.training}), {"training": {"parts": parts, **begun}})
        corrected = find_method(str(own.get("method", ""))).corrections
        jobs.append(TrainingStage(out / name, whole, corrected, beside.data))
    return jobs


def _checkpoint(given: str, before: Mapping[str, Path], where: str) -> Path:
    if given in before:
        return before[given]
    if (Path(given) / CONFIG).is_file():
        return Path(given).absolute()
    expected = f"an earlier stage ({', '.join(before) or 'there is none'}) or the folder of a checkpoint"
    raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, where, got=given, expected=expected)
