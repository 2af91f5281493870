"""`segue bench scheduler|policy|continuation|control|live|data|train`: a table; `--json FILE` has its numbers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode
from segue_data.contracts import load_robot, robot_names
from segue_data.storage.atomic import write_text
from segue_eval.bench import continuation, control, policy, scheduler
from segue_eval.bench.timing import Timing, ratio_table
from segue_eval.options import default_checkpoint

_ROUNDS = 40


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """What is timed, how long, and where the numbers go."""
    what = ("scheduler", "policy", "continuation", "control", "live", "data", "train")
    parser.add_argument(
        "what", choices=what, help="what to time; live: what recorded runs commanded, beside lockstep"
    )
    parser.add_argument(
        "--runs", type=Path, nargs="+", metavar="RUN", help="live: folders that `segue run` left"
    )
    parser.add_argument("--policy", default="legato", help="policy, by name")
    parser.add_argument("--checkpoint", help="checkpoint folder (default: the shipped one)")
    parser.add_argument("--task", default="pick_place", help="task whose shipped checkpoint is timed")
    parser.add_argument(
        "--rounds", type=int, help="timed chunks per method (40); train: rounds of each side (3)"
    )
    parser.add_argument("--ticks", type=int, default=3000, help="timed scheduler ticks per method")
    parser.add_argument("--seconds", type=float, default=20.0, help="data: length of each recording [s]")
    parser.add_argument("--workers", type=int, default=2, help="data: processes that convert")
    parser.add_argument("--robots", help="control: names of robot contracts, with commas (default: all)")
    parser.add_argument("--updates", type=int, default=400, help="control: timed updates per controller")
    parser.add_argument("--loop-seconds", type=float, default=3.0, help="control: length of each loop [s]")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="control: loops with real-time scheduling (needs the permission)",
    )
    parser.add_argument("--lerobot-python", type=Path, help="train: interpreter that has LeRobot (required)")
    parser.add_argument("--dataset", type=Path, help="train: a dataset (default: made-up frames)")
    parser.add_argument(
        "--sizes", choices=("authors", "small"), default="authors", help="train: of the networks"
    )
    parser.add_argument("--batch", type=int, default=8, help="train: samples of a step")
    parser.add_argument("--threads", type=int, default=2, help="train: CPU threads of each side")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="train: where both compute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")


def _report(what: str, timings: Mapping[str, Timing], base: str) -> dict[str, object]:
    reference = timings[base].median_s
    return {
        "bench": what,
        "base": base,
        "ratios": {name: value.median_s / reference for name, value in timings.items()},
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
    }


def _measure(arguments: argparse.Namespace) -> tuple[str, dict[str, Timing], str]:
    if arguments.what == "scheduler":
        title = "one scheduler tick, H = 60, D = 14"
        return title, scheduler.bench_scheduler(arguments.ticks), scheduler.BASE
    checkpoint = Path(arguments.checkpoint or default_checkpoint(arguments.policy, arguments.task))
    title = f"one chunk of {arguments.policy}"
    return title, policy.bench_policy(checkpoint, arguments.rounds or _ROUNDS), policy.BASE


def run_bench(arguments: argparse.Namespace) -> int:
    """Measure, print, write; exit status 0."""
    if arguments.what == "continuation":
        report = _continuation(arguments)
    elif arguments.what == "data":
        report = _data(arguments)
    elif arguments.what == "control":
        report = _control(arguments)
    elif arguments.what == "live":
        report = _live(arguments)
    elif arguments.what == "train":
        report = _train(arguments)
    else:
        title, timings, base = _measure(arguments)
        print(ratio_table(title, timings, base))
        report = _report(arguments.what, timings, base)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.json, json.dumps(report, indent=2) + "\n")
    return 0


def _live(arguments: argparse.Namespace) -> dict[str, object]:
    from segue_eval.bench import live

    if not arguments.runs:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "no runs given", do="give --runs, folders that `segue run` left"
        )
    motions = live.compare(arguments.runs)
    print(live.table(motions))
    return {"bench": "live", "motions": [asdict(motion) for motion in motions]}


def _data(arguments: argparse.Namespace) -> dict[str, object]:
    from segue_data.bench import command

    report = command.run(arguments.seconds, arguments.workers)
    print(command.table(report))
    return report


def _train(arguments: argparse.Namespace) -> dict[str, object]:
    from segue_eval.bench import train

    if arguments.lerobot_python is None:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            "no LeRobot to compare with",
            do="give --lerobot-python, an interpreter with LeRobot",
        )
    options = train.Options(
        lerobot=arguments.lerobot_python,
        data=arguments.dataset,
        sizes=arguments.sizes,
        batch=arguments.batch,
        rounds=3 if arguments.rounds is None else arguments.rounds,
        threads=arguments.threads,
        device=arguments.device,
    )
    report = train.bench_train(options, lambda line: print(line, file=sys.stderr, flush=True))
    print(train.table(report))
    return report


def _control(arguments: argparse.Namespace) -> dict[str, object]:
    wanted = arguments.robots.split(",") if arguments.robots else robot_names()
    robots = [load_robot(name) for name in wanted]
    try:
        timings = control.bench_updates(robots, arguments.updates, arguments.realtime)
    except PermissionError as error:
        text = f"real-time scheduling is not permitted here: {error}"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text) from error
    print(control.update_table(timings))
    loops = {}
    for robot in robots:
        loops[robot.name] = control.bench_loops(robot, arguments.loop_seconds, arguments.realtime)
        print("\n" + control.loop_table(robot.name, loops[robot.name]))
    return {
        "bench": "control",
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
        "loops": {
            name: {f"{rate:.0f}": asdict(loop) for rate, loop in found.items()}
            for name, found in loops.items()
        },
    }


def _continuation(arguments: argparse.Namespace) -> dict[str, object]:
    timings = continuation.bench_continuation(arguments.rounds or _ROUNDS)
    cost = continuation.bench_tick(arguments.ticks)
    print(continuation.table(timings, cost))
    return {
        "bench": "continuation",
        "base": "plain chunk of the same size",
        "ratios": continuation.ratios(timings),
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
        "tick_us": asdict(cost),
    }
