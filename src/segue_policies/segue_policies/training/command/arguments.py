"""The words of `segue train`: a policy, where things are, and any setting of its method, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import Field

from segue_core.command_line.form import Form
from segue_core.command_line.models import settings_of
from segue_core.command_line.reading import read
from segue_core.command_line.setting import REQUIRED, Setting, Word
from segue_core.command_line.spelling import first_places
from segue_core.contracts.base import StrictModel, merge, parse_model
from segue_core.contracts.search import config_files, existing, is_file, own_folders
from segue_core.contracts.yaml_text import parse_yaml
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import load_config_mapping
from segue_policies.method import find_method, trainable
from segue_policies.training.command.policy_set import SetConfig, is_set
from segue_policies.training.command.stages import StagesConfig, is_staged, methods_of
from segue_policies.training.config import MethodConfig, TrainingConfig

COMMAND = "segue train"
TRAINING = "Training"


class TrainOptions(StrictModel):
    """Train a policy on demonstrations. POLICY is a file of config/training, one of your own, or a method."""

    GROUP: ClassVar[str] = "This training"
    EXAMPLES: ClassVar[str] = """\
from nothing to a checkpoint:
  segue data record --seeds 0:300 --disturb --out demos     scripted demonstrations, as bags
  segue data convert demos dataset                          bags to a dataset
  segue train act task=pick_place data=dataset out=trained minutes=50
  segue run checkpoint:=trained

A file with `policies`, such as legato_tables, trains a set of them alike, to be compared; there
first.training.steps=3000 and then.training.steps=2500 are the budgets of its two stages.
"""
    policy: Annotated[str | None, Word(names="training", place=True, free=True)] = Field(
        default=None, description="what to train"
    )
    task: Annotated[str | None, Word(names="tasks", free=True)] = Field(
        default=None, description="task that the data is of; takes POLICY_TASK of config/training, if there is one"
    )  # fmt: skip
    data: Path = Field(description="dataset folder")
    out: Path | None = Field(
        default=None, description="folder for the checkpoint, empty unless --resume; else trained/NAME"
    )
    config: Path | None = Field(default=None, description="file of settings, in place of POLICY")
    configs: Path | None = Field(
        default=None, description="folder where POLICY is looked up, after `training` of your own folders"
    )
    cache: Path | None = Field(
        default=None, description="where decoded pictures are kept; else DATA/.cache, or SEGUE_CACHE_DIR"
    )
    method: str | None = Field(
        default=None, description="method, in place of the file's; without a file, what to train"
    )
    corrections: Path | None = Field(
        default=None, description="folder of `segue corrections`: where a policy led, and what to do there"
    )
    resume: bool = Field(default=False, description="go on with an interrupted training in OUT")
    prepare: bool = Field(
        default=False, description="only decode pictures and make the feature maps of a trunk, then end"
    )


@dataclass(frozen=True)
class Arguments:
    """What to train.

    Args:
        settings: those of the configuration with the given ones on top.
        source: name of the configuration, for errors.
        task: the one that was named, if any.
        data, corrections: datasets; out: the checkpoint.
        cache: where decoded pictures are kept; None: where the reader keeps them.
        prepare: end before the first step.
    """

    settings: dict[str, Any]
    source: str
    task: str | None
    data: Path
    out: Path
    corrections: Path | None
    resume: bool
    cache: Path | None = None
    prepare: bool = False


@dataclass(frozen=True)
class _Base:
    """Settings of the configuration file or of a bare method; its source and its name."""

    settings: dict[str, Any]
    source: str
    name: str


def parse(words: Sequence[str], configs: Path | None = None) -> Arguments:
    """Read the command line and the configuration that it names.

    Raises:
        ConfigError: no policy or data, an unknown policy, setting or value, or an unreadable configuration.
    """
    given: Arguments = read(words, train_form(words, configs), COMMAND, lambda _: ())
    return given


def train_form(words: Sequence[str], configs: Path | None = None) -> Form:
    """What `segue train` takes: the settings of the method that the words name, or of every training without one."""
    own = settings_of(TrainOptions)
    named = first_places(words, own, ("policy", "task", "config", "configs", "method"))
    folder = Path(named["configs"]) if "configs" in named else configs
    base = None
    policy = named.get("policy", None if "config" in named else named.get("method"))
    if policy is not None or "config" in named:
        base = _base(named.get("config"), policy, named.get("task"), folder)
    settings = _settings(base, named.get("method"))
    by_name = {setting.name: setting for setting in (*own, *settings)}

    def build(values: Mapping[str, Any]) -> Arguments:
        if base is None:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "nothing to train", do="give POLICY or --config FILE"
            )
        mine = {name: value for name, value in values.items() if name in TrainOptions.model_fields}
        options = parse_model(mine, TrainOptions, COMMAND)
        pairs = {name: _plain(by_name[name], value) for name, value in values.items() if name not in mine}
        return _arguments(options, base, pairs)

    about = TrainOptions.__doc__ or ""
    return Form(
        (*own, *settings), build, f"{about} Methods: {', '.join(trainable())}.", TrainOptions.EXAMPLES
    )


def _settings(base: _Base | None, method: str | None) -> tuple[Setting, ...]:
    """Settings of a training; of a set of them, those of the set and of both of its stages."""
    if base is None:
        return _training()
    if is_staged(base.settings):
        named = methods_of(base.settings, base.source)
        each = [settings_of(_model(way, base.source), f"stages.{one}.", one) for one, way in named.items()]
        own = settings_of(StagesConfig, group="The stages")
        return tuple(_not_needed(_as_yaml(one)) for one in (*own, *chain(*each), *_training()))
    if is_set(base.settings):
        first = base.settings.get("first")
        named = first or next(iter(base.settings["policies"].values()))
        stage = find_method(str(named["method"])).resolve("settings")
        stages = [settings_of(stage, f"{name}.", name) for name in (["first"] if first else []) + ["then"]]
        own = settings_of(SetConfig, group="The set")
        return tuple(_not_needed(_as_yaml(one)) for one in (*own, *chain(*stages), *_training()))
    name = method or str(base.settings.get("method", ""))
    found = settings_of(_model(name, "" if method else base.source), group=f"The method, {name}")
    rest = [one for one in found if not one.name.startswith("training.") and one.name != "method"]
    top = [one for one in rest if "." not in one.name]
    nested = [replace(one, group=one.name.rpartition(".")[0]) for one in rest if "." in one.name]
    return tuple(_with_default_of(base.settings, _as_yaml(one)) for one in (*top, *nested, *_training()))


def _model(method: str, source: str) -> type[MethodConfig]:
    """Settings of a method that can be trained; raises ConfigError for another, with the `source` that names it."""
    if method not in trainable():
        raise unknown_name(f"method in {source}" if source else "method", method, trainable())
    model: type[MethodConfig] = find_method(method).resolve("settings")
    return model


def _with_default_of(settings: Mapping[str, Any], setting: Setting) -> Setting:
    """With the value that the configuration's file has for it, if it has one."""
    whole = f"training.{setting.name}" if setting.group == TRAINING else setting.name
    found: Any = settings
    for part in whole.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return setting
        found = found[part]
    return replace(setting, default=found)


def _not_needed(setting: Setting) -> Setting:
    """A setting that the file of a set has."""
    return replace(setting, default=None) if setting.default is REQUIRED else setting


def _training() -> tuple[Setting, ...]:
    """Those of every training, which need no prefix."""
    return tuple(
        _as_yaml(replace(one, word=replace(one.word, also=(f"training.{one.name}",))))
        for one in settings_of(TrainingConfig, group=TRAINING)
    )


def _as_yaml(setting: Setting) -> Setting:
    """A setting of several values is one text, in YAML."""
    return replace(setting, kind=str, structured=True) if setting.many else setting


def _plain(setting: Setting, value: Any) -> Any:
    if not setting.structured:
        return value
    try:
        return parse_yaml(value)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        text = f"{setting.name}: not a YAML value: {error}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=value) from error


def _arguments(options: TrainOptions, base: _Base, pairs: Mapping[str, Any]) -> Arguments:
    settings = merge(base.settings, _overrides(options.method, pairs))
    name = f"{base.name}_{options.task}" if options.task and is_set(settings) else base.name
    out = options.out or Path("trained") / name
    return Arguments(
        settings,
        base.source,
        options.task,
        options.data,
        out,
        options.corrections,
        options.resume,
        options.cache,
        options.prepare,
    )


def _base(file: str | None, policy: str | None, task: str | None, configs: Path | None) -> _Base:
    if file is not None:
        if policy is not None:
            text = "POLICY and --config name two settings"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{policy}, {file}")
        return _Base(read_settings(Path(file)), file, Path(file).stem)
    assert policy is not None
    if is_file(policy):
        given = existing(policy)
        return _Base(read_settings(given), str(given), f"{given.stem}_{task}" if task else given.stem)
    name = f"{policy}_{task}" if task else policy
    files, tasks = _files(configs), _tasks(configs)
    path = files.get(name) or _set_of(files.get(policy))
    if path is not None:
        return _Base(read_settings(path), str(path), path.stem)
    for_any = task is None or task in tasks
    if for_any and policy in files:
        return _Base(read_settings(files[policy]), str(files[policy]), name)
    if for_any and policy in trainable():
        return _Base({"method": policy}, name, name)
    raise _unknown(policy, task, tasks, {*files, *trainable()})


def _files(configs: Path | None) -> dict[str, Path]:
    """Files of settings by name: the user's own, then those of `configs`."""
    folders = [*(folder / "training" for folder in own_folders()), *([configs] if configs else [])]
    found = [path for folder in reversed(folders) for path in folder.glob("*.yaml")]
    return {path.stem: path for path in found}


def _tasks(configs: Path | None) -> list[str]:
    """Names of the tasks, the user's own among them."""
    return list(config_files("tasks", configs.parent)) if configs else []


def _unknown(policy: str, task: str | None, tasks: Sequence[str], known: set[str]) -> ConfigError:
    if task and policy in known:
        return unknown_name("task", task, tasks)
    return unknown_name("policy to train", f"{policy}_{task}" if task else policy, known)


def _set_of(path: Path | None) -> Path | None:
    """`path` if it is a set, which is for any task."""
    return path if path is not None and is_set(read_settings(path)) else None


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings from a YAML file, with overrides on top."""
    return merge(load_config_mapping(path, "training"), overrides or {})


def _overrides(method: str | None, pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings of those given by name."""
    settings: dict[str, Any] = {"training": {}}
    if method is not None:
        settings["method"] = method
    for key, value in pairs.items():
        whole = f"training.{key}" if key in TrainingConfig.model_fields else key
        settings = merge(settings, _nested(whole.split("."), value))
    if "minutes" in settings["training"] and "steps" not in settings["training"]:
        settings["training"]["steps"] = None  # of the file; steps would win
    return settings


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nested(path[1:], value)}
