"""What `segue data` does: one function per subcommand, of its parsed arguments to an exit status."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from segue_core.contracts.search import is_world
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import read_json
from segue_data import settings
from segue_data.bags.manifest import load
from segue_data.errors import missing
from segue_data.storage.atomic import write_text

if TYPE_CHECKING:
    from segue_data.recording.demonstrations import RecordingReport


def record(arguments: settings.RecordOptions) -> int:
    """Scripted demonstrations, one bag per seed; of a world that others wrote, a dataset."""
    report = _record_world(arguments) if is_world(arguments.task) else _record_bags(arguments)
    print(
        f"{len(report.recorded)} recorded, {len(report.skipped)} were there, "
        f"{len(report.failed)} failed{f': seeds {list(report.failed)}' if report.failed else ''}"
    )
    return 0 if report.recorded or report.skipped else 1


def _record_world(arguments: settings.RecordOptions) -> RecordingReport:
    from segue_data.contracts import lockstep_robot
    from segue_data.datasets.writer import IMAGE_SIZE, ConversionOptions
    from segue_data.recording.worlds import record_world

    task = arguments.task
    if arguments.disturb or arguments.randomisation:
        text = f"disturb and randomisation change our own worlds, and {task} is as others wrote it"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="leave them out")
    if arguments.robot:
        lockstep_robot(arguments.robot, task)
    report = record_world(
        task,
        arguments.seeds,
        arguments.out,
        workers=arguments.workers,
        options=ConversionOptions(size=arguments.size or IMAGE_SIZE),
        keep_failures=arguments.keep_failures,
    )
    if report.recorded:
        print(f"dataset: {arguments.out}; train on it: segue train act data={arguments.out} out=FOLDER")
    return report


def _record_bags(arguments: settings.RecordOptions) -> RecordingReport:
    from segue_data.bags.encoding import ImageCodec
    from segue_data.contracts import load_robot, load_task
    from segue_data.recording.demonstrations import record_demonstrations
    from segue_data.recording.lockstep import RecordingOptions
    from segue_sim.disturbance import DisturbanceConfig

    if arguments.size:
        text = "size is that of a dataset at once; bags keep pictures as the cameras have them"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="give it to segue data convert")
    task = load_task(arguments.task).randomised(arguments.randomisation)
    return record_demonstrations(
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


def convert(arguments: settings.ConvertOptions) -> int:
    """Bags to a dataset."""
    from segue_data.bags.folders import find_bags, unfinished_bags
    from segue_data.contracts import load_robot, recorded_robot
    from segue_data.datasets.bags_to_dataset import convert as convert_bags
    from segue_data.datasets.writer import IMAGE_SIZE, ConversionOptions

    options = ConversionOptions(
        outcomes=frozenset(arguments.outcomes),
        any_contract=arguments.any_contract,
        doubtful=arguments.doubtful,
        videos=arguments.videos,
        commanded_by=arguments.commanded_by,
        size=arguments.size or IMAGE_SIZE,
    )
    named = load_robot(arguments.robot) if arguments.robot else None
    bags = find_bags(arguments.bags)
    for bag in unfinished_bags(arguments.bags):
        print(f"left out {bag}: not a finished bag; try `segue data repair {bag}`", file=sys.stderr)
    robot = named or recorded_robot(load(bags[0]).robot, bags[0], "--robot NAME --any-contract")
    count = convert_bags(bags, arguments.out, robot, options=options, workers=arguments.workers)
    print(f"{count} episodes in {arguments.out}")
    return 0


def _write_json(path: Path | None, content: object) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(content, indent=2) + "\n")


def check(arguments: settings.CheckOptions) -> int:
    """Status 1 and a line for every problem."""
    from segue_data.checks.check import check as look

    findings = look(arguments.path, workers=arguments.workers)
    for finding in findings:
        for problem in finding.problems:
            print(f"{finding.path}: {problem.place}: {problem.what}")
    notes = Counter(note for finding in findings for note in finding.notes)
    for note, count in sorted(notes.items()):
        print(f"note, {count} {findings[0].kind}{'s' if count > 1 else ''}: {note}")
    bad = [finding for finding in findings if not finding.ok]
    kind = findings[0].kind if len(findings) == 1 else f"{findings[0].kind}s"
    print(f"{len(findings)} {kind} checked, {len(bad)} with problems")
    _write_json(arguments.json_file, {"ok": not bad, "findings": [finding.to_dict() for finding in findings]})
    if arguments.page:
        from segue_data.checks.page import write_page

        write_page(findings, arguments.page)
        print(f"page: {arguments.page}")
    return 1 if bad else 0


def info(arguments: settings.InfoOptions) -> int:
    """What is there."""
    from segue_data.checks.check import info as describe

    facts = describe(arguments.path)
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
    _write_json(arguments.json_file, facts)
    return 0


def repair(arguments: settings.RepairOptions) -> int:
    """Close what a killed recorder left open, keep what is whole of damaged bags; status 1 if one cannot be saved."""
    from segue_data.bags.repair_all import repair_all

    reports, failures = repair_all(arguments.path)
    changed = [report for report in reports if report.changed]
    for report in changed:
        print(f"{report.bag}: repaired, {report.messages} messages ({report.why})")
    for failure in failures:
        print(failure.text, file=sys.stderr)
    whole = len(reports) - len(changed)
    print(f"{len(changed)} repaired, {whole} whole already, {len(failures)} not repaired")
    return 1 if failures else 0


def show(arguments: settings.ShowOptions) -> int:
    """Contact sheet, Rerun recording, Foxglove layout."""
    from segue_data.checks.check import is_dataset
    from segue_data.views import foxglove as show_foxglove
    from segue_data.views import pictures as sheets
    from segue_data.views import rerun as show_rerun

    if is_dataset(arguments.path) and (arguments.foxglove or arguments.rerun):
        raise missing(
            arguments.path,
            "a dataset; Foxglove and Rerun show bags",
            "make bags of it with `segue data export`",
        )
    if arguments.foxglove:
        show_foxglove.write_layout(arguments.path, arguments.foxglove)
        print(f"layout for Foxglove: {arguments.foxglove} (open the bag, then Layouts, Import from file)")
    if arguments.rerun:
        show_rerun.write_recording(arguments.path, arguments.episode, arguments.rerun)
        print(f"recording for Rerun: {arguments.rerun} (`rerun {arguments.rerun}`)")
    if arguments.sheet or not (arguments.foxglove or arguments.rerun):
        sheet = arguments.sheet or Path(f"{arguments.path.name}-{arguments.episode}.png")
        sheets.write_sheet(sheets.load_episode(arguments.path, arguments.episode, arguments.columns), sheet)
        print(f"contact sheet: {sheet}")
    return 0


def label(arguments: settings.LabelOptions) -> int:
    """Compute labels."""
    from segue_data.datasets.label_files import write_labels

    for name in arguments.labels:
        print(write_labels(arguments.dataset, name, arguments.settings))
    return 0


def keyframes(arguments: settings.KeyframesOptions) -> int:
    """A strip of one episode, and the chains of all."""
    from segue_data.views import keyframes as view
    from segue_data.views import pictures as sheets

    dataset, number = arguments.dataset, arguments.episode
    sheet = arguments.sheet or Path(f"{dataset.name}-keyframes-{number}.png")
    shown = sheets.of_dataset(dataset, number, arguments.columns, "keyframes", arguments.settings)
    sheets.write_sheet(shown, sheet)
    print("\n".join(view.summary(dataset, arguments.settings)))
    times = ", ".join(f"{tick / shown.rate_hz:.2f}" for tick in shown.marks)
    print(f"episode {number}: keyframes at {times} s; picture strip: {sheet}")
    return 0


def split(arguments: settings.SplitOptions) -> int:
    """Divide by episode."""
    from segue_data.datasets.label_files import write_split

    path = write_split(
        arguments.dataset, {"validation": arguments.validation, "test": arguments.test}, arguments.seed
    )
    parts = read_json(path)["episodes"]
    print(f"{path}: {', '.join(f'{len(numbers)} {part}' for part, numbers in parts.items())}")
    if not parts["train"]:
        print("note: nothing is left to train on; with few episodes try another --seed or a smaller share")
    return 0


def export(arguments: settings.ExportOptions) -> int:
    """A dataset back to bags."""
    from segue_data.contracts import load_robot
    from segue_data.datasets.dataset_to_bags import export as write_bags

    robot = load_robot(arguments.robot) if arguments.robot else None
    count = write_bags(arguments.dataset, arguments.out, robot, workers=arguments.workers)
    print(f"{count} bags in {arguments.out}")
    return 0


def adopt(arguments: settings.AdoptOptions) -> int:
    """Say whose robot a dataset of LeRobot's is."""
    from segue_data.contracts import load_robot
    from segue_data.datasets.adopt import adopt as describe

    describe(arguments.dataset, load_robot(arguments.robot), arguments.size, any_names=arguments.any_names)
    print(f"{arguments.dataset} is a dataset of {arguments.robot}")
    return 0
