"""Train a policy: `python -m segue_policies.train --config config/training/NAME.yaml --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from segue_core.config_base import load_mapping, merge, parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError, SegueError, unknown_name
from segue_policies.common.corrections import Corrections
from segue_policies.common.dataset import Demonstrations
from segue_policies.common.serving import FLOW_METHODS
from segue_policies.common.training import Learner, Trainer, TrainingResult
from segue_policies.common.training_config import TrainingConfig

Maker = Callable[[dict[str, Any], str, Demonstrations, Corrections | None], tuple[Learner, TrainingConfig]]

READER = "segue_data.dataset:load"
"""Named, not imported: data lives in a ring further out, and any function from a path to `Demonstrations` will do."""

CORRECTIONS_READER = "segue_data.corrections:load"
"""From a path to `Corrections`."""


def _flow(
    settings: dict[str, Any], source: str, data: Demonstrations, corrections: Corrections | None
) -> tuple[Learner, TrainingConfig]:
    from segue_policies.legato.config import LegatoConfig
    from segue_policies.legato.learner import LegatoLearner

    config = parse_model(settings, LegatoConfig, source)
    return LegatoLearner(config, data, corrections), config.training


def _act(
    settings: dict[str, Any], source: str, data: Demonstrations, corrections: Corrections | None
) -> tuple[Learner, TrainingConfig]:
    from segue_policies.act.config import ActConfig
    from segue_policies.act.learner import ActLearner

    if corrections is not None:
        raise PolicyError(
            ErrorCode.TRAINING_FAILED, "act learns from demonstrations only, not from corrections"
        )
    config = parse_model(settings, ActConfig, source)
    return ActLearner(config, data), config.training


METHODS: Mapping[str, Maker] = {**dict.fromkeys(FLOW_METHODS, _flow), "act": _act}


def train(
    settings: dict[str, Any],
    source: str,
    data: Demonstrations,
    out: Path,
    resume: bool = False,
    corrections: Corrections | None = None,
) -> TrainingResult:
    """Train the method that `settings` names on `data`, and on `corrections` if given, into `out`.

    Raises:
        ConfigError: unknown method or setting. DataError: unusable data. PolicyError: no budget, an occupied `out`,
            nothing to resume, or a loss that is not finite.
    """
    method = str(settings.get("method", ""))
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if not resume and out.exists() and any(out.iterdir()):
        raise PolicyError(
            ErrorCode.TRAINING_FAILED, f"{out} is not empty; resume it or choose another folder"
        )
    learner, training = METHODS[method](settings, source, data, corrections)
    trainer = Trainer(learner, training, out, resume)
    (out / "training" / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    print(f"seed {training.seed}, {len(data.action)} frames, output {out}")
    return trainer.run()


def read_settings(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from a YAML file with command-line overrides on top."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{path}: {error.strerror}") from error
    return merge(load_mapping(text, str(path)), overrides)


def load_data(path: Path) -> Demonstrations:
    """Demonstrations at `path`, by the reader named in READER."""
    read = pkgutil.resolve_name(READER)
    return cast(Demonstrations, read(path))


def load_corrections(path: Path) -> Corrections:
    """Corrections at `path`, by the reader named in CORRECTIONS_READER."""
    read = pkgutil.resolve_name(CORRECTIONS_READER)
    return cast(Corrections, read(path))


def make_parser() -> argparse.ArgumentParser:
    """The command line; budgets and seed override the file."""
    parser = argparse.ArgumentParser(prog="segue train", description="Train a policy on demonstrations.")
    parser.add_argument(
        "--config", type=Path, required=True, help="settings, such as config/training/legato_pick_place.yaml"
    )
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the checkpoint, empty unless --resume"
    )
    parser.add_argument("--method", help=f"objective instead of the file's: {', '.join(METHODS)}")
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0 on success, 1 with one sentence on an expected failure, 130 when interrupted."""
    options = make_parser().parse_args(arguments)
    given = {name: getattr(options, name) for name in ("steps", "minutes", "seed", "threads", "init")}
    overrides: dict[str, Any] = {
        "training": {name: value for name, value in given.items() if value is not None}
    }
    if options.method is not None:
        overrides["method"] = options.method
    if options.minutes is not None and options.steps is None:
        overrides["training"]["steps"] = None
    try:
        settings = read_settings(options.config, overrides)
        corrections = load_corrections(options.corrections) if options.corrections else None
        data = load_data(options.data)
        result = train(settings, str(options.config), data, options.out, options.resume, corrections)
    except SegueError as error:
        print(f"segue train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("segue train: interrupted; go on with --resume", file=sys.stderr)
        return 130
    print(f"{result.steps} steps in {result.seconds / 60:.1f} min ({result.precision}): {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
