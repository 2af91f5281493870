"""From the options of `segue eval` to the setup that they describe."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_core.scheduler_config import ChunkLengths, RunSettings, SchedulerConfig
from segue_data.contracts import config_folder, first_task, lockstep_task, trained_task
from segue_eval.build import Setup, entry_of
from segue_eval.settings import SetupOptions
from segue_policies.checkpoints.shipped import refuse_unshipped
from segue_policies.checkpoints.usual_stride import fitting_stride
from segue_policies.estimator_loading import calibrated, check_estimator, estimator_folder
from segue_policies.policy_loading import method_in

_OF_A_SETUP = ("stride", "delay", "delay_mode", "when_infeasible")
"""Settings that a setup names whatever they are: rows of setups that were evaluated before stay theirs."""
_TASKS_OWN = {"time_limit_s": (0.0,)}


def default_checkpoint(policy: str, task: str) -> Path:
    """Where the shipped checkpoint of a policy for a task lives."""
    return config_folder() / "checkpoints" / f"{policy}_{task}"


def usual_checkpoint(policy: str, task: str) -> str:
    """The folder of weights when none is named; empty for a policy without weights."""
    return str(default_checkpoint(policy, task).resolve()) if entry_of(policy).checkpoint else ""


def default_continuation(policy: str) -> str:
    """What `segue run` takes for a policy; ConfigError if there is no such policy, or its file is wrong."""
    return entry_of(policy).continuation


def usual_lengths(policy: str, continuation: str) -> dict[str, int]:
    """Stride and delay when none are asked for: the policy's own with its own continuation."""
    entry = entry_of(policy)
    usual = entry if continuation == entry.continuation else ChunkLengths()
    return {"stride": usual.stride, "delay": usual.delay}


def _task(arguments: SetupOptions) -> str:
    """The task that is named; else what a robot or a policy does that is named alone."""
    given = arguments.model_fields_set
    if "task" in given or (arguments.robot is None and ("policy" not in given or arguments.checkpoint)):
        return arguments.task
    if arguments.robot is None:
        task, told = trained_task(arguments.policy, arguments.task)
    else:
        task, told = first_task(arguments.robot, arguments.task, arguments.policy)
    if told:
        print(f"note: {told}", file=sys.stderr)
    return task


def _scheduler(arguments: SetupOptions) -> dict[str, Any]:
    """Settings of the scheduler: what makes the setup, and what is not as the scheduler has it by itself."""
    usual, fields = SchedulerConfig(), set(SchedulerConfig.model_fields) & set(RunSettings.model_fields)
    said = arguments.model_dump(include=fields)
    return {
        name: value
        for name, value in said.items()
        if name in _OF_A_SETUP or value not in (getattr(usual, name), *_TASKS_OWN.get(name, ()))
    }


def with_learned_stop(scheduler: Mapping[str, Any], estimator: Path | None) -> dict[str, Any]:
    """Settings of the scheduler with the threshold of the `estimator` that looks on, where its stop is a rule."""
    if estimator is None:
        return dict(scheduler)
    rules = tuple(scheduler.get("termination", SchedulerConfig().termination))
    options = calibrated(estimator, check_estimator(estimator), rules, scheduler.get("rule_options", {}))
    return {**scheduler, "rule_options": options} if options else dict(scheduler)


def setup_from(arguments: SetupOptions, progress: str = "") -> Setup:
    """The setup that parsed `arguments` describe, with an estimator `progress`, a folder or a method's name."""
    given = arguments.checkpoint
    named = "policy" in arguments.model_fields_set or not given
    policy = arguments.policy if named else method_in(Path(str(given))).name
    continuation = arguments.continuation or default_continuation(policy)
    own = usual_lengths(policy, continuation)
    scheduler = _scheduler(arguments) | {
        "continuation": continuation,
        **{name: length for name, length in own.items() if name not in arguments.model_fields_set},
    }
    task = _task(arguments)
    checkpoint = str(Path(given).resolve()) if given else usual_checkpoint(policy, task)
    if checkpoint and not given:
        refuse_unshipped(Path(checkpoint), policy, task)
    if "stride" not in arguments.model_fields_set:
        scheduler["stride"] = fitting_stride(scheduler["stride"], scheduler["delay"], checkpoint)
    if progress:
        progress = str(Path(estimator_folder(progress, task, config_folder() / "checkpoints")).resolve())
        scheduler = with_learned_stop(scheduler, Path(progress))
    return Setup(
        task=task,
        policy=policy,
        checkpoint=checkpoint,
        robot=arguments.robot or lockstep_task(task).robot,
        scheduler=scheduler,
        latency=arguments.latency,
        device=arguments.device,
        dtype=arguments.dtype,
        progress=progress,
        policy_options=arguments.policy_options,
        randomisation=arguments.randomisation,
    )
