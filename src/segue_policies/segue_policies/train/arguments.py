"""The words of `segue train`: a policy, where things are, and any setting as KEY=VALUE."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segue_core.contracts.base import merge
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import load_config_mapping
from segue_policies.train.training_set import is_set
from segue_policies.training.config import TrainingConfig

_PLACES = ("data", "out", "config", "corrections", "cache")
"""Paths, as `--data DIR` or `data=DIR`."""

_SHORT = ("steps", "minutes", "seed", "threads", "init")
"""Settings of `training` that are options too."""


@dataclass(frozen=True)
class Arguments:
    """What to train.

    Args:
        settings: those of the configuration with the given ones on top.
        source: name of the configuration, for errors.
        task: the one that was named, if any.
        data, corrections: datasets; out: the checkpoint.
        cache: where decoded pictures are kept; None: where the reader keeps them.
    """

    settings: dict[str, Any]
    source: str
    task: str | None
    data: Path
    out: Path
    corrections: Path | None
    resume: bool
    cache: Path | None = None


def make_parser(methods: Sequence[str]) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="segue train",
        usage="segue train POLICY data=DIR [out=DIR] [KEY=VALUE ...] [options]",
        description="Train a policy on demonstrations. POLICY is a file of config/training or a method: "
        + ", ".join(methods),
        epilog="KEY is any setting, such as network.width=256; those of `training` need no prefix: batch_size=16, "
        "steps=20000, precision=bfloat16, patience=5, device=cuda. task=NAME takes POLICY_NAME of config/training. "
        "A file with `policies`, such as legato_tables, trains a set of them alike, to be compared; there "
        "first.training.steps=3000 and then.training.steps=2500 are the budgets of its two stages.",
    )
    parser.add_argument("words", nargs="*", metavar="POLICY|KEY=VALUE", help="see above")
    parser.add_argument("--config", type=Path, help="settings, instead of POLICY")
    parser.add_argument("--configs", type=Path, help="folder where POLICY is looked up")
    parser.add_argument("--data", type=Path, help="dataset folder")
    parser.add_argument(
        "--out", type=Path, help="folder for the checkpoint, empty unless --resume (trained/NAME)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where decoded pictures are kept (DATA/.cache, or SEGUE_CACHE_DIR)",
    )
    parser.add_argument("--method", help="method instead of the file's")
    parser.add_argument(
        "--init", metavar="CHECKPOINT", help="begin with the weights and the normaliser of this checkpoint"
    )
    parser.add_argument(
        "--corrections",
        type=Path,
        help="folder of `segue corrections`: where a policy led, and what to do there",
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training in --out")
    for name, kind, what in (
        ("steps", int, "optimiser steps"), ("minutes", float, "wall-clock budget"),
        ("seed", int, "random seed"), ("threads", int, "CPU threads"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=None, help=what)
    return parser


def parse(arguments: Sequence[str] | None, methods: Sequence[str]) -> Arguments:
    """Read the command line and the configuration that it names.

    Raises:
        ConfigError: no policy or data, an unknown policy, a word that is neither, or an unreadable configuration.
    """
    given = make_parser(methods).parse_intermixed_args(arguments)
    policy, pairs = _words(given.words)
    for name in _PLACES:
        if name in pairs:
            setattr(given, name, Path(str(pairs.pop(name))))
    task = pairs.pop("task", None)
    task = None if task is None else str(task)
    resume = given.resume or bool(pairs.pop("resume", False))
    base, source, name = _base(given, policy, task, methods)
    settings = merge(base, _overrides(given, pairs, base))
    if given.data is None:
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "no dataset", do="give data=DIR")
    out = given.out or Path("trained") / (f"{name}_{task}" if task and is_set(settings) else name)
    return Arguments(settings, source, task, given.data, out, given.corrections, resume, given.cache)


def _words(words: Sequence[str]) -> tuple[str | None, dict[str, Any]]:
    """The policy, and KEY=VALUE with values as YAML has them."""
    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "more than one policy", got=names, expected="POLICY KEY=VALUE ..."
        )
    pairs = {}
    for key, value in (word.split("=", 1) for word in words if "=" in word):
        try:
            pairs[key] = yaml.safe_load(value) if key not in _PLACES else value
        except yaml.YAMLError as error:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, f"{key}: not a YAML value", got=value
            ) from error
    return (names[0] if names else None), pairs


def _base(
    given: argparse.Namespace, policy: str | None, task: str | None, methods: Sequence[str]
) -> tuple[dict[str, Any], str, str]:
    """Settings of the configuration file or of a bare method; its source and its name."""
    path: Path | None = given.config
    if path is None:
        if policy is None:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "nothing to train", do="give POLICY or --config FILE"
            )
        name = policy if task is None else f"{policy}_{task}"
        files = {file.stem: file for file in sorted(given.configs.glob("*.yaml"))} if given.configs else {}
        path = files.get(name) or _set_of(files.get(policy))
        if path is None and name in methods:
            return {"method": name}, name, name
        if path is None:
            raise unknown_name("policy to train", name, (*files, *methods))
    elif policy is not None:
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, "POLICY and --config name two settings", got=f"{policy}, {path}"
        )
    return read_settings(path), str(path), path.stem


def _set_of(path: Path | None) -> Path | None:
    """`path` if it is a set, which is for any task."""
    return path if path is not None and is_set(read_settings(path)) else None


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings from a YAML file, with overrides on top."""
    return merge(load_config_mapping(path, "training"), overrides or {})


def _overrides(
    given: argparse.Namespace, pairs: Mapping[str, Any], base: Mapping[str, Any]
) -> dict[str, Any]:
    """Nested settings of options and KEY=VALUE."""
    training = {name: getattr(given, name) for name in _SHORT if getattr(given, name) is not None}
    settings: dict[str, Any] = {"training": training}
    if given.method is not None:
        settings["method"] = given.method
    for key, value in pairs.items():
        whole = f"training.{key}" if key in TrainingConfig.model_fields else key
        settings = merge(settings, _nested(whole.split("."), value))
    if "minutes" in settings["training"] and "steps" not in settings["training"]:
        settings["training"]["steps"] = None  # of the file; steps would win
    return settings


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nested(path[1:], value)}
