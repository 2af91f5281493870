"""Train a policy: `python -m segue_policies.training.command.train --config FILE --data DIR --out DIR`.

`torchrun --nproc-per-node 4 -m segue_policies.training.command.train ...` does it with four processes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
import yaml

from segue_core.command_line.asked_to_end import heard_as_interrupt
from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError, unknown_name
from segue_core.exit_status import ExitStatus, ending
from segue_policies.method import find_method, methods, trainable
from segue_policies.samples.corrections import Corrections
from segue_policies.samples.demonstrations import Demonstrations
from segue_policies.training.command.arguments import Arguments, parse
from segue_policies.training.command.policy_set import VIEWS, TrainingStage, found, is_set, stages
from segue_policies.training.command.stages import is_staged, staged
from segue_policies.training.config import MethodConfig, TrainingConfig
from segue_policies.training.engine import Engine
from segue_policies.training.loop import Learner, Trainer, TrainingResult
from segue_policies.training.processes import my_share


def parse_settings(settings: dict[str, Any], source: str) -> MethodConfig:
    """Settings of a training, checked; raises ConfigError for a method that is not trained here, or a wrong setting."""
    name = str(settings.get("method", ""))
    if name not in trainable():
        raise unknown_name(f"method in {source}", name, trainable())
    model: type[MethodConfig] = find_method(name).resolve("settings")
    return parse_model(settings, model, source)


def make_learner(config: MethodConfig, data: Demonstrations, corrections: Corrections | None) -> Learner[Any]:
    """What brings a method to the training loop; raises PolicyError when it cannot learn from corrections."""
    method = find_method(config.method)
    if corrections is not None and not method.corrections:
        able = ", ".join(other.name for other in methods() if other.corrections)
        raise PolicyError(
            ErrorCode.TRAINING_FAILED,
            f"{method.name} learns from demonstrations only, not from corrections",
            do=f"leave the corrections out, or train one of {able}",
        )
    learner = method.resolve("learner")
    return cast(Learner[Any], learner(config, data, corrections) if corrections else learner(config, data))


def train(
    settings: dict[str, Any],
    source: str,
    data: Demonstrations,
    out: Path,
    resume: bool = False,
    corrections: Corrections | None = None,
    engine: Engine | None = None,
) -> TrainingResult:
    """Train the method that `settings` names on `data`, and on `corrections` if given, into `out`.

    `engine` is what this process has joined already; without it the settings' device, alone or under `torchrun`.

    Raises:
        ConfigError: unknown method or setting. DataError: unusable data. PolicyError: no budget, an occupied `out`,
            nothing to resume, or a loss that is not finite.
    """
    config = parse_settings(settings, source)
    torch.set_num_threads(config.training.threads)
    if not resume and my_share().rank == 0 and out.exists() and any(out.iterdir()):
        raise PolicyError(
            ErrorCode.TRAINING_FAILED, f"{out} is not empty", do="resume it or choose another folder"
        )
    engine = engine or _engine(settings)
    training = config.training
    trainer = Trainer(make_learner(config, data, corrections), training, out, resume, engine)
    try:
        if engine.first:
            (out / "training" / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
            where = f"{engine.device.type}, {engine.processes} process(es)"
            print(f"seed {training.seed}, {len(data.action)} frames, {where}, output {out}")
        return trainer.run()
    except OSError as error:
        error.filename = error.filename or str(out)  # a full disk names no file
        raise


def prepare(settings: dict[str, Any], source: str, data: Demonstrations) -> None:
    """Compute what a training of `settings` on `data` keeps on the disk, such as feature maps, and no step.

    Raises:
        ConfigError: unknown method or setting, or settings of several trainings. DataError, PolicyError: as `train`.
    """
    if is_set(settings) or is_staged(settings):
        text = f"{source} describes several trainings, whose data cannot be prepared at once"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="leave --prepare out")
    config = parse_settings(settings, source)
    torch.set_num_threads(config.training.threads)
    make_learner(config, data, None)


def _engine(settings: Mapping[str, Any]) -> Engine:
    training = parse_model(dict(settings.get("training") or {}), TrainingConfig, "training")
    return Engine(training.device, training.strategy)


def load_data(path: Path, cache: Path | None = None) -> Demonstrations:
    """Demonstrations at `path`; decoded pictures go to `cache`."""
    from segue_data.datasets.dataset import load

    return load(path, cache=cache)


def load_corrections(path: Path) -> Corrections:
    """Corrections at `path`."""
    from segue_data.datasets.corrections import load

    return load(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the status of docs/exit-codes.md, with one sentence on an expected failure."""
    try:
        with heard_as_interrupt():
            trained = _train_as_told(parse(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        print("segue train: interrupted; go on from the last evaluation with --resume", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except Exception as error:
        status, said = ending(error)
        print(f"segue train: {said}", file=sys.stderr)
        return status
    interrupted = any(result.ended == "interrupted" for result in trained)
    return ExitStatus.INTERRUPTED if interrupted else ExitStatus.SUCCESS


def _train_as_told(given: Arguments) -> list[TrainingResult]:
    engine = _engine(given.settings)
    corrections = load_corrections(given.corrections) if given.corrections else None
    data = _loaded(given.data, given.cache, engine)
    if given.prepare:
        prepare(given.settings, given.source, data)
        return []
    return _train_all(given, data, corrections, engine)


def _train_all(
    given: Arguments, data: Demonstrations, corrections: Corrections | None, engine: Engine
) -> list[TrainingResult]:
    if not (is_set(given.settings) or is_staged(given.settings)):
        result = train(given.settings, given.source, data, given.out, given.resume, corrections, engine)
        return [_report(result, given.out, engine)]
    jobs = _jobs(given)
    for job in jobs:
        parse_settings(job.settings, given.source)  # the last one's mistake is not to be found hours later
    begun = found([job.folder for job in jobs], given.resume, engine.first)
    results: list[TrainingResult] = []
    for number, job in enumerate(jobs, start=1):
        if engine.first:
            print(f"{number} of {len(jobs)}: {job.folder.name}")
        learned, resume = corrections if job.corrected else None, job.folder in begun
        shown = data if job.data is None else _loaded(job.data, given.cache, engine)
        result = train(job.settings, given.source, shown, job.folder, resume, learned, engine)
        results.append(_report(result, job.folder, engine))
        if result.ended == "interrupted":
            return results
    if not given.settings.get("only"):
        shutil.rmtree(given.out / VIEWS, ignore_errors=True)
    return results


def _jobs(given: Arguments) -> list[TrainingStage]:
    if is_staged(given.settings):
        return staged(given.settings, given.source, given.out)
    return stages(given.settings, given.source, given.task, given.out)


def _loaded(path: Path, cache: Path | None, engine: Engine) -> Demonstrations:
    with engine.first_alone():
        return load_data(path, cache)


def _report(result: TrainingResult, out: Path, engine: Engine) -> TrainingResult:
    if not engine.first:
        return result
    speed = f"{result.samples_per_s:.1f} samples/s, {result.precision}"
    print(f"{result.steps} steps in {result.seconds / 60:.1f} min ({speed}): {out}")
    if result.ended == "interrupted":
        print("segue train: interrupted, the state is saved; go on with --resume", file=sys.stderr)
    if result.ended == "patience":
        print("stopped early: validation_loss did not improve (training.patience)")
    return result


if __name__ == "__main__":
    sys.exit(main())
