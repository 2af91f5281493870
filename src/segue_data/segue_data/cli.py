"""`segue data ...`: record, convert, check, show, label, export and repair; also `python -m segue_data.cli`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from segue_core.errors import SegueError
from segue_data.manifest import OUTCOMES, load

Command = Callable[[argparse.Namespace], int]


def _seeds(text: str) -> tuple[int, ...]:
    """`0:50` (half open), `3,7,9`, or one number."""
    try:
        if ":" in text:
            first, last = text.split(":")
            return tuple(range(int(first), int(last)))
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0:50, 3,7,9 or one number") from error


def _record(arguments: argparse.Namespace) -> int:
    from segue_data.contracts import load_robot, load_task
    from segue_data.demonstrations import record_demonstrations
    from segue_data.encoding import ImageCodec
    from segue_data.lockstep import RecordingOptions
    from segue_sim.disturbance import DisturbanceConfig

    task = load_task(arguments.task)
    report = record_demonstrations(
        load_robot(arguments.robot or task.robot),
        task,
        arguments.seeds,
        arguments.out,
        workers=arguments.workers,
        options=RecordingOptions(
            codec=ImageCodec(arguments.images),
            disturbance=DisturbanceConfig() if arguments.disturb else None,
        ),
        keep_failures=arguments.keep_failures,
    )
    print(
        f"{len(report.recorded)} recorded, {len(report.skipped)} were there, "
        f"{len(report.failed)} failed{f': seeds {list(report.failed)}' if report.failed else ''}"
    )
    return 0 if report.recorded or report.skipped else 1


def _convert(arguments: argparse.Namespace) -> int:
    from segue_data.contracts import load_robot
    from segue_data.convert import convert, find_bags
    from segue_data.dataset_writer import ConversionOptions

    options = ConversionOptions(
        outcomes=frozenset(arguments.outcomes),
        any_contract=arguments.any_contract,
        doubtful=arguments.doubtful,
        videos=arguments.videos,
        commanded_by=arguments.commanded_by,
    )
    named = load_robot(arguments.robot) if arguments.robot else None
    bags = find_bags(arguments.bags)
    robot = named or load_robot(load(bags[0]).robot)
    count = convert(bags, arguments.out, robot, options=options, workers=arguments.workers)
    print(f"{count} episodes in {arguments.out}")
    return 0


def _write_json(path: Path | None, content: object) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _check(arguments: argparse.Namespace) -> int:
    from segue_data.check import check

    findings = check(arguments.path, workers=arguments.workers)
    for finding in findings:
        for problem in finding.problems:
            print(f"{finding.path}: {problem.place}: {problem.what}")
    bad = [finding for finding in findings if not finding.ok]
    print(f"{len(findings)} {findings[0].kind}s checked, {len(bad)} with problems")
    _write_json(arguments.json, {"ok": not bad, "findings": [finding.to_dict() for finding in findings]})
    if arguments.page:
        from segue_data.check_page import write_page

        write_page(findings, arguments.page)
        print(f"page: {arguments.page}")
    return 1 if bad else 0


def _info(arguments: argparse.Namespace) -> int:
    from segue_data.check import info

    facts = info(arguments.path)
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
    _write_json(arguments.json, facts)
    return 0


def _repair(arguments: argparse.Namespace) -> int:
    from segue_data.repair import repair, repair_open_episodes

    folder: Path = arguments.path
    reports = [repair(folder)] if any(folder.glob("*.mcap")) else repair_open_episodes(folder)
    for report in reports:
        state = "repaired" if report.changed else "unchanged"
        print(f"{report.bag}: {state}, {report.messages} messages ({report.why})")
    if not reports:
        print(f"{folder}: nothing to repair")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from segue_data import show, show_foxglove, show_rerun

    if arguments.foxglove:
        show_foxglove.write_layout(arguments.path, arguments.foxglove)
        print(f"layout for Foxglove: {arguments.foxglove} (open the bag, then Layouts, Import from file)")
    if arguments.rerun:
        show_rerun.write_recording(arguments.path, arguments.episode, arguments.rerun)
        print(f"recording for Rerun: {arguments.rerun} (`rerun {arguments.rerun}`)")
    if arguments.sheet or not (arguments.foxglove or arguments.rerun):
        sheet = arguments.sheet or Path(f"{arguments.path.name}-{arguments.episode}.png")
        show.write_sheet(show.load_episode(arguments.path, arguments.episode, arguments.columns), sheet)
        print(f"contact sheet: {sheet}")
    return 0


def _label(arguments: argparse.Namespace) -> int:
    from segue_data.label_files import write_labels

    for name in arguments.labels:
        print(write_labels(arguments.dataset, name, json.loads(arguments.settings)))
    return 0


def _split(arguments: argparse.Namespace) -> int:
    from segue_data.label_files import write_split

    path = write_split(
        arguments.dataset, {"validation": arguments.validation, "test": arguments.test}, arguments.seed
    )
    parts = json.loads(path.read_text(encoding="utf-8"))["episodes"]
    print(f"{path}: {', '.join(f'{len(numbers)} {part}' for part, numbers in parts.items())}")
    if not parts["train"]:
        print("note: nothing is left to train on; with few episodes try another --seed or a smaller share")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from segue_data.contracts import load_robot
    from segue_data.export import export

    robot = load_robot(arguments.robot) if arguments.robot else None
    count = export(arguments.dataset, arguments.out, robot, workers=arguments.workers)
    print(f"{count} bags in {arguments.out}")
    return 0


def _adopt(arguments: argparse.Namespace) -> int:
    from segue_data.adopt import adopt
    from segue_data.contracts import load_robot

    adopt(arguments.dataset, load_robot(arguments.robot), arguments.size)
    print(f"{arguments.dataset} is a dataset of {arguments.robot}")
    return 0


def _size(text: str) -> tuple[int, int]:
    """`96x72`: width and height."""
    try:
        width, height = (int(part) for part in text.split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected WIDTHxHEIGHT, such as 96x72") from error
    return width, height


def _add_show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = _add(
        commands, "show", "pictures of an episode: contact sheet, Rerun recording, Foxglove layout", _show
    )
    show.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    show.add_argument("--episode", type=int, default=0, metavar="N", help="which one of several, from 0")
    show.add_argument("--sheet", type=Path, metavar="FILE.png", help="contact sheet (default: PATH-N.png)")
    show.add_argument("--columns", type=int, default=8, help="pictures per camera")
    show.add_argument("--rerun", type=Path, metavar="FILE.rrd", help="recording for the Rerun viewer")
    show.add_argument("--foxglove", type=Path, metavar="FILE.json", help="layout for Foxglove")


def _add_labels(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    label = _add(commands, "label", "compute labels beside a dataset, with version and settings", _label)
    label.add_argument("dataset", type=Path, help="a dataset")
    label.add_argument(
        "labels", nargs="+", choices=("keyframes", "progress", "tokens"), help="what to compute"
    )
    label.add_argument("--settings", default="{}", metavar="JSON", help="other settings: '{\"bins\": 512}'")
    split = _add(
        commands, "split", "divide a dataset by episode; more episodes move none of the old ones", _split
    )
    split.add_argument("dataset", type=Path, help="a dataset")
    split.add_argument("--validation", type=float, default=0.1, help="share of the episodes")
    split.add_argument("--test", type=float, default=0.0, help="share of the episodes")
    split.add_argument("--seed", type=int, default=0, help="another number is another division")
    adopt = _add(commands, "adopt", "say whose robot a dataset is that LeRobot wrote", _adopt)
    adopt.add_argument("dataset", type=Path, help="a LeRobotDataset v3.0, with pictures or videos")
    adopt.add_argument("--robot", required=True, help="robot contract in config/robots")
    adopt.add_argument("--size", type=_size, metavar="WxH", help="shrink pictures when they are read")
    export = _add(commands, "export", "turn a dataset back into bags, one per episode", _export)
    export.add_argument("dataset", type=Path, help="a dataset")
    export.add_argument("out", type=Path, help="folder for the bags")
    export.add_argument("--robot", help="robot contract in config/robots (default: the dataset's)")
    export.add_argument("--workers", type=int, default=2, help="processes")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, run: Command
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(func=run)
    return parser


def add_subcommands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands; each sets `func`, a function of the parsed arguments to an exit status."""
    record = _add(
        commands, "record", "record scripted demonstrations in simulation, one bag per seed", _record
    )
    record.add_argument("--robot", help="robot contract in config/robots (default: the task's)")
    record.add_argument("--task", default="pick_place", help="task contract in config/tasks")
    record.add_argument("--seeds", type=_seeds, default=_seeds("0:50"), help="0:50, 3,7,9 or one number")
    record.add_argument("--out", type=Path, required=True, help="folder for the bags; call again to go on")
    record.add_argument("--workers", type=int, default=2, help="processes")
    record.add_argument("--disturb", action="store_true", help="disturb what is executed, never the label")
    record.add_argument("--images", choices=("jpeg", "png"), default="jpeg", help="compression of pictures")
    record.add_argument("--keep-failures", action="store_true", help="keep failed episodes too")
    convert = _add(commands, "convert", "turn bags into a LeRobotDataset v3.0", _convert)
    convert.add_argument("bags", type=Path, help="a bag, or a folder of bags")
    convert.add_argument("out", type=Path, help="dataset folder to create")
    convert.add_argument("--robot", help="robot contract in config/robots (default: the one of the bags)")
    convert.add_argument("--workers", type=int, default=2, help="processes")
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
    convert.add_argument("--videos", action="store_true", help="pictures as H.264 videos: smaller, not exact")
    convert.add_argument("--doubtful", action="store_true", help="take bags that the recorder flagged, too")
    check = _add(commands, "check", "check bags or a dataset; exit status 1 when something is wrong", _check)
    check.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    check.add_argument("--workers", type=int, default=2, help="processes")
    check.add_argument("--json", type=Path, help="write the findings to this file")
    check.add_argument("--page", type=Path, metavar="FILE.html", help="write a page with plots")
    _add_show(commands)
    _add_labels(commands)
    info = _add(commands, "info", "say what a bag, a folder of bags or a dataset holds", _info)
    info.add_argument("path", type=Path, help="a bag, a folder of bags, or a dataset")
    info.add_argument("--json", type=Path, help="write the facts to this file")
    repair = _add(
        commands, "repair", "close what a killed recorder left open, up to its last whole chunk", _repair
    )
    repair.add_argument(
        "path", type=Path, help="a torn bag, or the folder of bags that was being recorded into"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; errors become one sentence and exit status 1."""
    parser = argparse.ArgumentParser(prog="segue data", description="Recordings and datasets.")
    add_subcommands(parser.add_subparsers(required=True, metavar="command"))
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.func(parsed))
    except SegueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; finished episodes are kept", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
