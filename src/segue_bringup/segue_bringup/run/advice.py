"""What to try after a run, by how it ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_bringup.catalogue import config_root
from segue_core.lateness import is_late, late_advice


def next_steps(told: Mapping[str, Any]) -> list[str]:
    """One to three lines, each what to do and how."""
    arguments = told.get("arguments", {})
    again = _again(arguments)
    if told["success"]:
        return [
            f"another arrangement     ./segue run {again} --seed {int(told['seed']) + 1}",
            f"many seeds, as a table  ./segue eval {_evaluated(arguments)} --seeds 0:20",
        ]
    if is_late(int(told.get("error_code", 0))):
        return list(late_advice(real=arguments.get("sim") == "none"))
    if told["outcome"] == "failure":
        return [
            "look at the video and at the end of the report's timeline",
            f"is it this seed?        ./segue eval {_evaluated(arguments)} --seeds 0:20",
        ]
    if told["outcome"] == "error":
        return [
            f"what the nodes said     {Path(str(told['run'])) / 'logs'}",
            "is all here?            ./segue doctor",
        ]
    return []


def _again(arguments: Mapping[str, Any]) -> str:
    names = ("robot", "task", "policy")
    named = _chosen_checkpoint(arguments)
    words = [f"{name}:={arguments[name]}" for name in names if arguments.get(name)]
    return " ".join([*words, *([f"checkpoint:={named}"] if named else [])])


def _evaluated(arguments: Mapping[str, Any]) -> str:
    named = _chosen_checkpoint(arguments)
    words = [f"--{name} {arguments[name]}" for name in ("task", "policy") if arguments.get(name)]
    return " ".join([*words, *([f"--checkpoint {named}"] if named else [])])


def _chosen_checkpoint(arguments: Mapping[str, Any]) -> str:
    """The checkpoint of a run, if it is not one that comes with the configuration and its policy."""
    path = str(arguments.get("checkpoint", ""))
    return "" if Path(path).is_relative_to(config_root()) else path
