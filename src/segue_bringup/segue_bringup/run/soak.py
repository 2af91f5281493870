"""The subcommand `soak`: hours of lockstep, or a standing graph; what grows, starves, jitters and fails meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.folder import RunFolder, create_run_folder, refuse_full_disk
from segue_bringup.run.refusals import refuse_before_start
from segue_bringup.settings import WEEK_S, SoakOptions
from segue_bringup.usage import say_unused
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus
from segue_data.storage.atomic import write_text
from segue_eval.bench import growth

_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>[smh]?)")
_SECONDS = {"s": 1.0, "": 60.0, "m": 60.0, "h": 3600.0}
PAGE = "soak.html"
_OWN = (
    "robot",
    "task",
    "policy",
    "seed",
    "record",
    "runs",
)  # launch arguments that this command reads itself


def duration_s(text: str, option: str) -> float:
    """Seconds of `10` (minutes), `90s`, `10m` or `2h`; ConfigError for anything else, and for nothing."""
    match = _DURATION.fullmatch(text)
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    if not 0 < seconds <= WEEK_S:
        expected = "minutes, or a number with s, m or h, more than 0, a week at most"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, option, got=repr(text), expected=expected)
    return seconds


def run(options: SoakOptions) -> int:
    """Do it: 0, 1 when something grows beyond what is allowed, or the status of what ended it."""
    graph = load_graph()
    given = given_arguments(graph, options.launch)
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, _OWN)
    if options.lockstep:
        return _lockstep(options, plan, duration_s(options.lockstep, "--lockstep"))
    return _live(options, graph, given, duration_s(options.live or "10m", "--live"))


def _lockstep(options: SoakOptions, plan: Plan, seconds: float) -> int:
    from segue_bringup.run.display import Shown, make_display
    from segue_eval.bench.soak import soak

    folder, arguments = _folder(plan, "lockstep"), plan.arguments
    shown = Shown(f"{arguments['task']} with {arguments['policy']}", headline="lockstep")
    display = make_display(shown, options.quiet)

    def step(share: float, words: str) -> None:
        shown.progress, shown.task = share, words
        display.update()

    try:
        found = soak(arguments, seconds, step)
    finally:
        display.close()
    watched = {"this process": found.watched}
    return _tell(options, folder, "lockstep", watched, found.lines(), found.report())


def _live(options: SoakOptions, graph: Graph, given: Mapping[str, Scalar], seconds: float) -> int:
    from segue_bringup.run.display import Shown, make_display
    from segue_bringup.run.episode import Ending
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.soak_episode import SoakEpisode
    from segue_interfaces.action import RunTask

    plan = make_plan(graph, given)
    refuse_before_start(plan)
    refuse_full_disk(Path(str(plan.arguments["runs"])), recorded=bool(plan.arguments["record"]))
    folder = _folder(plan, "soak")
    plan = make_plan(graph, {**given, "runs": str(folder.bag)})
    folder.write_configuration(graph, plan)
    arguments = plan.arguments
    shown = Shown(f"soak, {arguments['task']} with {arguments['policy']}")
    goal = RunTask.Goal(
        task=str(arguments["task"]), seed=int(arguments["seed"]), record=bool(arguments["record"])
    )
    with Interrupts() as interrupts:
        display = make_display(shown, options.quiet)
        try:
            soak = SoakEpisode(plan, folder, shown, display, interrupts, None, seconds, goals=options.goals)
            ending, _ = soak.run(goal)
        finally:
            display.close()
    status = _tell(options, folder, "live", soak.seen.watched, soak.seen.lines(), soak.seen.report())
    ended = {Ending.INTERRUPTED: ExitStatus.INTERRUPTED, Ending.READER_GONE: ExitStatus.READER_GONE}
    return int(ended.get(ending, status))


def _folder(plan: Plan, kind: str) -> RunFolder:
    now = datetime.now().astimezone()
    return create_run_folder(Path(str(plan.arguments["runs"])), kind, str(plan.arguments["policy"]), now)


def _tell(
    options: SoakOptions,
    folder: RunFolder,
    kind: str,
    watched: Mapping[str, growth.Watched],
    lines: str,
    report: Mapping[str, object],
) -> ExitStatus:
    """Table, page and file; 1 when something grows."""
    said = growth.grown(watched, options.max_growth, options.max_more)
    table = f"{growth.growth_table(watched)}\n{lines}"
    if any(one.looks for one in watched.values()):
        write_text(folder.root / PAGE, growth.picture(f"Soak, {kind}", watched, table))
        table += f"\npicture: {folder.root / PAGE}"
    print("\n".join([table, *(f"GROWS: {sentence}" for sentence in said)]))
    if options.json_file:
        told = {"soak": kind, **report, "processes": growth.report(watched), "grows": said}
        write_text(options.json_file, json.dumps(told, indent=2) + "\n")
    return ExitStatus.TASK_FAILED if said else ExitStatus.SUCCESS
