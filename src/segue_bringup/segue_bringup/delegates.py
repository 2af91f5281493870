"""Subcommands whose work is done in other packages."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from segue_bringup.catalogue import config_root
from segue_bringup.environment.endings import held

_TRAIN_EXAMPLE = """\
example, from nothing to a checkpoint:
  segue data record --seeds 0:300 --disturb --out demos     scripted demonstrations, as bags
  segue data convert demos dataset                          bags to a dataset
  segue train act task=pick_place data=dataset out=trained minutes=50
  segue run checkpoint:=trained
"""


def add_parsers(subparsers: Any) -> None:
    """Add `eval`, `compare`, `report`, `bench`, `data`, `train`, `adopt` and `doctor` to a subparsers object."""
    from segue_data import cli as data
    from segue_eval import cli as evaluation
    from segue_policies.lerobot import cli as lerobot

    evaluation.add_subcommands(subparsers)
    parser = subparsers.add_parser(
        "data", help="record demonstrations, convert, check and repair recordings and datasets"
    )
    data.add_subcommands(parser.add_subparsers(dest="data_command", required=True, metavar="COMMAND"))
    _add_passed_on(subparsers, "train", "train a policy from a dataset", _train, _TRAIN_EXAMPLE)
    lerobot.add_parser(subparsers)
    _add_passed_on(subparsers, "doctor", "say what is installed and what is missing", _doctor, "")


def _add_passed_on(subparsers: Any, name: str, text: str, func: Any, epilog: str) -> None:
    """A subcommand that passes its words on to another program, `--help` too."""
    parser = subparsers.add_parser(
        name,
        help=text,
        description=text,
        epilog=epilog,
        add_help=False,
        prefix_chars="\0",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs=argparse.REMAINDER)
    parser.set_defaults(func=func, epilog=epilog)


def _train(options: argparse.Namespace) -> int:
    configs = config_root() / "training"
    quietly = [sys.executable, "-m", "segue_bringup.environment.quietly"]
    status = _run_to_its_end(
        [*quietly, "segue_policies.train.command", *options.words, "--configs", str(configs)]
    )
    if {"-h", "--help"} & set(options.words):
        names = ", ".join(sorted(path.stem for path in configs.glob("*.yaml")))
        print(f"\n{options.epilog}policies to train, in {configs}: {names}")
    return status


def _run_to_its_end(command: list[str]) -> int:
    """Exit status of a program that saves its work when it is interrupted: it gets the time to."""
    with held():
        child = subprocess.Popen(command)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to the child as well
    return _as_shells_say(child.wait())


def _as_shells_say(status: int) -> int:
    """Exit status of a child; 128 + N when signal N ended it."""
    return status if status >= 0 else 128 - status


def _doctor(options: argparse.Namespace) -> int:
    package = Path(__file__).parent.parent
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-m", "segue_bringup.environment", "doctor", *options.words]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
