"""Arguments of `segue eval`, and the setup that they describe."""

from __future__ import annotations

import argparse
from pathlib import Path

from segue_core.contracts.base import load_mapping
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import load_config_mapping
from segue_data.contracts import config_folder, load_task
from segue_eval.build import Setup
from segue_eval.evaluate import default_workers
from segue_eval.seeds import TEST_SEEDS

DEFAULT_SEEDS = f"{TEST_SEEDS.start}:{TEST_SEEDS.stop}"


def add_setup_arguments(parser: argparse.ArgumentParser) -> None:
    """What is evaluated."""
    parser.add_argument("--policy", default="legato", help="policy, by name")
    parser.add_argument(
        "--checkpoint", help="checkpoint folder (default: the shipped one of policy and task)"
    )
    parser.add_argument("--task", default="pick_place", help="task contract in config/tasks")
    parser.add_argument("--robot", help="robot contract in config/robots (default: the task's)")
    parser.add_argument(
        "--continuation", help="continuation method, by name (default: the policy's in config/policies)"
    )
    parser.add_argument(
        "--continuation-options",
        metavar="YAML",
        default="",
        help="options of the method, such as '{max_guidance_weight: 10}' for rtc",
    )
    parser.add_argument("--stride", type=int, default=30, help="ticks s between two inference starts")
    parser.add_argument("--delay", type=int, default=8, help="ticks d of one inference")
    parser.add_argument("--ramp", type=int, help="ramp length r in ticks (default: H - s - d)")
    parser.add_argument("--delay-mode", default="constructed", choices=("constructed", "adaptive"))
    parser.add_argument(
        "--latency", default="planned", help="ticks an answer takes: planned, TICKS or LOW:HIGH"
    )
    parser.add_argument(
        "--when-infeasible",
        default="refuse",
        choices=("refuse", "shorten"),
        help="when d, s and r do not fit the horizon or the policy: refuse, or shorten and say so",
    )
    parser.add_argument(
        "--time-limit", type=float, help="limit of one episode in seconds (default: the task's)"
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """How it is evaluated and what is written."""
    parser.add_argument(
        "--seeds",
        help=f"FIRST:END, END excluded, or a list (default {DEFAULT_SEEDS}, or what the suite says)",
    )
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes (default: cores)")
    parser.add_argument("--out", type=Path, help="folder for rows, table, plots (default runs/eval/<setup>)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write setup, summary, claims and rows")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one line per episode")
    parser.add_argument("--fresh", action="store_true", help="forget the finished episodes of this setup")
    parser.add_argument(
        "--videos", action="store_true", help="also film the best, the worst and up to three failed seeds"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--require-success",
        type=float,
        metavar="RATE",
        help="exit with status 1 below this success rate (0..1)",
    )


def default_checkpoint(policy: str, task: str) -> Path:
    """Where the shipped checkpoint of a policy for a task lives."""
    return config_folder() / "checkpoints" / f"{policy}_{task}"


def default_continuation(policy: str) -> str:
    """What `config/policies` names for a policy, and `segue run` takes; ConfigError if there is no such policy."""
    folder = config_folder() / "policies"
    file = folder / f"{policy}.yaml"
    if not file.is_file():
        raise unknown_name("policy", policy, (other.stem for other in folder.glob("*.yaml")))
    told = load_config_mapping(file, "policy").get("continuation")
    if not isinstance(told, str):
        text = f"{file}: continuation"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, text, got=repr(told), expected="the name of a method"
        )
    return told


def setup_from(arguments: argparse.Namespace) -> Setup:
    """The setup that parsed `arguments` describe."""
    scheduler: dict[str, object] = {
        "continuation": arguments.continuation or default_continuation(arguments.policy),
        "stride": arguments.stride,
        "delay": arguments.delay,
        "delay_mode": arguments.delay_mode,
        "when_infeasible": arguments.when_infeasible,
    }
    if arguments.continuation_options:
        scheduler["continuation_options"] = load_mapping(
            arguments.continuation_options, "--continuation-options"
        )
    if arguments.ramp is not None:
        scheduler["ramp"] = arguments.ramp
    if arguments.time_limit is not None:
        scheduler["time_limit_s"] = arguments.time_limit
    checkpoint = Path(arguments.checkpoint or default_checkpoint(arguments.policy, arguments.task))
    return Setup(
        task=arguments.task,
        policy=arguments.policy,
        checkpoint=str(checkpoint.resolve()),
        robot=arguments.robot or load_task(arguments.task).robot,
        scheduler=scheduler,
        latency=arguments.latency,
    )
