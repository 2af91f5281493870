"""`segue data ...`: record, convert, check, show, label, export and repair; also `python -m segue_data.cli`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from segue_core.exit_status import ExitStatus, ending
from segue_data import commands
from segue_data.bags.manifest import OUTCOMES

Command = Callable[[argparse.Namespace], int]


def _seeds(text: str) -> tuple[int, ...]:
    """`0:50` (half open), `3,7,9`, or one number."""
    try:
        if ":" in text:
            first, last = text.split(":")
            seeds = tuple(range(int(first), int(last)))
        else:
            seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0:50, 3,7,9 or one number")
    return seeds


def _size(text: str) -> tuple[int, int]:
    """`96x72`: width and height."""
    try:
        width, height = (int(part) for part in text.split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected WIDTHxHEIGHT, such as 96x72")
    return width, height


def _positive(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 1 or more")
    return int(text)


def _share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a share, from 0 to 1")
    return share


def _settings(text: str) -> dict[str, Any]:
    """`{"bins": 512}`: settings of a label."""
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a mapping in JSON, such as '{{\"bins\": 512}}'")
    return settings


def _add_show(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = _add(
        parsers,
        "show",
        "pictures of an episode: contact sheet, Rerun recording, Foxglove layout",
        commands.show,
    )
    show.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    show.add_argument("--episode", type=int, default=0, metavar="N", help="which one of several, from 0")
    show.add_argument("--sheet", type=Path, metavar="FILE.png", help="contact sheet (default: PATH-N.png)")
    show.add_argument("--columns", type=_positive, default=8, help="pictures per camera")
    show.add_argument("--rerun", type=Path, metavar="FILE.rrd", help="recording for the Rerun viewer")
    show.add_argument("--foxglove", type=Path, metavar="FILE.json", help="layout for Foxglove")


def _add_labels(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    label = _add(
        parsers, "label", "compute labels beside a dataset, with version and settings", commands.label
    )
    label.add_argument("dataset", type=Path, help="a dataset")
    label.add_argument(
        "labels", nargs="+", choices=("keyframes", "progress", "tokens"), help="what to compute"
    )
    label.add_argument(
        "--settings", type=_settings, default={}, metavar="JSON", help="other settings: '{\"bins\": 512}'"
    )
    split = _add(
        parsers,
        "split",
        "divide a dataset by episode; more episodes move none of the old ones",
        commands.split,
    )
    split.add_argument("dataset", type=Path, help="a dataset")
    split.add_argument("--validation", type=_share, default=0.1, help="share of the episodes")
    split.add_argument("--test", type=_share, default=0.0, help="share of the episodes")
    split.add_argument("--seed", type=int, default=0, help="another number is another division")
    adopt = _add(parsers, "adopt", "say whose robot a dataset is that LeRobot wrote", commands.adopt)
    adopt.add_argument("dataset", type=Path, help="a LeRobotDataset v3.0, with pictures or videos")
    adopt.add_argument("--robot", required=True, help="robot contract in config/robots")
    adopt.add_argument("--size", type=_size, metavar="WxH", help="shrink pictures when they are read")
    adopt.add_argument(
        "--any-names",
        action="store_true",
        help="state and action have other names, but are the robot's numbers in its order",
    )
    export = _add(parsers, "export", "turn a dataset back into bags, one per episode", commands.export)
    export.add_argument("dataset", type=Path, help="a dataset")
    export.add_argument("out", type=Path, help="folder for the bags")
    export.add_argument("--robot", help="robot contract in config/robots (default: the dataset's)")
    export.add_argument("--workers", type=_positive, default=2, help="processes")


def _add(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, run: Command
) -> argparse.ArgumentParser:
    parser = parsers.add_parser(name, help=text, description=text)
    parser.set_defaults(func=run)
    return parser


def add_subcommands(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands; each sets `func`, a function of the parsed arguments to an exit status."""
    record = _add(
        parsers, "record", "record scripted demonstrations in simulation, one bag per seed", commands.record
    )
    record.add_argument("--robot", help="robot contract in config/robots (default: the task's)")
    record.add_argument("--task", default="pick_place", help="task contract in config/tasks")
    record.add_argument("--seeds", type=_seeds, default=_seeds("0:50"), help="0:50, 3,7,9 or one number")
    record.add_argument("--out", type=Path, required=True, help="folder for the bags; call again to go on")
    record.add_argument("--workers", type=_positive, default=2, help="processes")
    record.add_argument("--disturb", action="store_true", help="disturb what is executed, never the label")
    record.add_argument("--images", choices=("jpeg", "png"), default="jpeg", help="compression of pictures")
    record.add_argument("--keep-failures", action="store_true", help="keep failed episodes too")
    convert = _add(parsers, "convert", "turn bags into a LeRobotDataset v3.0", commands.convert)
    convert.add_argument("bags", type=Path, help="a bag, or a folder of bags")
    convert.add_argument("out", type=Path, help="dataset folder to create")
    convert.add_argument("--robot", help="robot contract in config/robots (default: the one of the bags)")
    convert.add_argument("--workers", type=_positive, default=2, help="processes")
    convert.add_argument(
        "--outcomes", nargs="+", choices=OUTCOMES, default=["success"], help="episodes to take"
    )
    convert.add_argument("--any-contract", action="store_true", help="accept bags of another robot contract")
    convert.add_argument(
        "--commanded-by",
        choices=("all", "human", "policy"),
        default="all",
        help="only the stretches of a run with takeovers that a person, or the policy, commanded",
    )
    convert.add_argument(
        "--size",
        type=_size,
        metavar="WxH",
        help="pictures of the dataset, and of its policies (default: 96x72)",
    )
    convert.add_argument("--videos", action="store_true", help="pictures as H.264 videos: smaller, not exact")
    convert.add_argument("--doubtful", action="store_true", help="take bags that the recorder flagged, too")
    check = _add(
        parsers, "check", "check bags or a dataset; exit status 1 when something is wrong", commands.check
    )
    check.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    check.add_argument("--workers", type=_positive, default=2, help="processes")
    check.add_argument("--json", type=Path, help="write the findings to this file")
    check.add_argument("--page", type=Path, metavar="FILE.html", help="write a page with plots")
    _add_show(parsers)
    _add_labels(parsers)
    info = _add(parsers, "info", "say what a bag, a folder of bags or a dataset holds", commands.info)
    info.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    info.add_argument("--json", type=Path, help="write the facts to this file")
    repair = _add(
        parsers,
        "repair",
        "close what a killed recorder left open, up to its last whole chunk",
        commands.repair,
    )
    repair.add_argument(
        "path", type=Path, help="a torn bag, or the folder of bags that was being recorded into"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; errors become one sentence and the status of docs/exit-codes.md."""
    parser = argparse.ArgumentParser(prog="segue data", description="Recordings and datasets.")
    add_subcommands(parser.add_subparsers(required=True, metavar="command"))
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.func(parsed))
    except KeyboardInterrupt:
        print("interrupted; finished episodes are kept", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except Exception as error:
        status, said = ending(error)
        print(said, file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main())
