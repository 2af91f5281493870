"""What to try after a run, by how it ended."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_bringup.catalogue import config_root, entry
from segue_bringup.graph import load_graph
from segue_core.errors import WHAT_TO_DO, ErrorCode, told_code
from segue_core.exit_status import ExitStatus
from segue_core.lateness import is_late, late_advice
from segue_core.scheduler_config import RunSettings
from segue_data.bags.manifest import RECORDING

_VIDEO, _PAGE = "episode.mp4", "report.html"


def next_steps(told: Mapping[str, Any]) -> list[str]:
    """A few lines, each what to do and how."""
    return [*_after_trouble(told), *_after_ending(told)]


def _after_trouble(told: Mapping[str, Any]) -> list[str]:
    """When something that a run leaves behind is missing."""
    run, status = Path(str(told.get("run", ""))), told.get("exit_status")
    if status not in (ExitStatus.ENVIRONMENT, ExitStatus.DATA):
        return []
    room = [f"make room               df -h {run}"] if status == ExitStatus.ENVIRONMENT else []
    bag = str(told.get("bag", ""))
    if not bag:
        torn = (run / "bag" / RECORDING).is_dir()
        return [*room, *([f"what can be read of it  ./segue data repair {run / 'bag'}"] if torn else [])]
    unseen = any(not (run / name).is_file() for name in (_PAGE, "metrics.json"))
    report = [f"what was recorded       ./segue report {run}"] if unseen else []
    return [*room, f"is the recording whole? ./segue data check {bag}", *report]


def _to_look_at(told: Mapping[str, Any]) -> list[str]:
    """Of video and report what is there."""
    run = Path(str(told.get("run", "")))
    names = {_VIDEO: "the video", _PAGE: "the end of the report's timeline"}
    there = [words for name, words in names.items() if (run / name).is_file()]
    return [f"look at {' and at '.join(there)}"] if there else []


def _after_ending(told: Mapping[str, Any]) -> list[str]:
    arguments = told.get("arguments", {})
    again = _again(arguments)
    if told["success"]:
        another = f"another arrangement     ./segue run {again} --seed {int(told['seed']) + 1}"
        return [another, *_many_seeds("many seeds, as a table  ", arguments)]
    if is_late(int(told.get("error_code", 0))):
        return [*late_advice(real=arguments.get("sim") == "none"), _logs(told)]
    if told["outcome"] == "failure":
        return [*_to_look_at(told), *_many_seeds("is it this seed?        ", arguments)]
    if told["outcome"] == "error":
        return [
            *_about_code(told),
            _logs(told),
            "is all here?            ./segue doctor",
        ]
    return []


def _about_code(told: Mapping[str, Any]) -> list[str]:
    """What the error's code advises, unless the reason says it already."""
    step = told_code(int(told["error_code"]), ErrorCode.OK).next_step
    return [step] if step and WHAT_TO_DO not in str(told["reason"]) else []


def _logs(told: Mapping[str, Any]) -> str:
    return f"what the nodes said     {Path(str(told['run'])) / 'logs'}"


def _again(arguments: Mapping[str, Any]) -> str:
    names = ("namespace", "robot", "task", "policy", "progress")
    named = _chosen_checkpoint(arguments)
    words = [f"{name}:={arguments[name]}" for name in names if arguments.get(name)]
    return " ".join([*words, *([f"checkpoint:={named}"] if named else [])])


def _many_seeds(why: str, arguments: Mapping[str, Any]) -> list[str]:
    """Only for a policy that tries the task: one with a checkpoint, or the expert."""
    tries = arguments.get("checkpoint") or arguments.get("policy") == "scripted"
    return [f"{why}./segue eval {_evaluated(arguments)} --seeds 0:20"] if tries else []


def _evaluated(arguments: Mapping[str, Any]) -> str:
    named = _chosen_checkpoint(arguments)
    words = [f"--{name} {arguments[name]}" for name in ("task", "policy", "progress") if arguments.get(name)]
    words += [f"--checkpoint {named}"] if named else []
    return " ".join([*words, *_settings(arguments)])


def _settings(arguments: Mapping[str, Any]) -> list[str]:
    """Settings of a run that an evaluation would not take of itself; when answers come is another matter there."""
    usual = {name: argument.default for name, argument in load_graph().arguments.items()}
    policy = entry("policies", str(arguments["policy"]))
    usual["continuation"] = policy["continuation"]
    if arguments.get("continuation") == policy["continuation"]:
        usual |= {"stride": policy["stride"], "delay": policy["delay"]}
    usual["robot"] = entry("tasks", str(arguments["task"]))["robot"]
    names = (
        "robot",
        "policy_options",
        "device",
        "dtype",
        *(name for name in RunSettings.model_fields if name != "latency"),
    )
    return [
        f"--{name.replace('_', '-')} {shlex.quote(str(arguments[name]))}"
        for name in names
        if name in arguments and arguments[name] != usual[name]
    ]


def _chosen_checkpoint(arguments: Mapping[str, Any]) -> str:
    """The checkpoint of a run, if it is not one that comes with the configuration and its policy."""
    path = str(arguments.get("checkpoint", ""))
    return "" if Path(path).is_relative_to(config_root()) else path
