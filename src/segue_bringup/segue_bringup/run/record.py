"""The subcommand `record`: a person (or the scripted expert) records demonstrations."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import Graph, Scalar
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.folder import create_run_folder, refuse_full_disk
from segue_bringup.run.refusals import refuse_bad_robot, refuse_before_start
from segue_bringup.settings import SCRIPTED, RecordOptions, ReplayOptions, record_graph
from segue_bringup.usage import say_not_among, say_unused
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus

if TYPE_CHECKING:
    from segue_bringup.run.episode import Ending

_SCRIPTED_USES = ("teleop", "robot", "task", "seed", "episodes", "runs")


def record(options: RecordOptions) -> int:
    """Do it; the exit status, see `ExitStatus`."""
    graph, words = record_graph(), dict(options.launch)
    scripted = words.get("teleop") == SCRIPTED
    if scripted:
        words["teleop"] = "none"
    given = given_arguments(graph, words, fixed={"collect": True})
    if scripted:
        say_not_among(_SCRIPTED_USES, words)
        return _scripted(options, graph, given)
    return _by_person(options, graph, given)


def _scripted(options: RecordOptions, graph: Graph, given: dict[str, Scalar]) -> int:
    from segue_data.contracts import load_robot, load_task
    from segue_data.recording.demonstrations import record_until
    from segue_data.recording.lockstep import RecordingOptions
    from segue_sim.disturbance import DisturbanceConfig

    plan = make_plan(graph, given)
    refuse_bad_robot(plan)
    arguments = plan.arguments
    report = record_until(
        load_robot(str(arguments["robot"])),
        load_task(str(arguments["task"])),
        int(arguments["episodes"]) or 1,
        int(arguments["seed"]),
        Path(str(arguments["runs"])),
        workers=options.workers,
        options=RecordingOptions(disturbance=DisturbanceConfig() if options.disturb else None),
    )
    print(f"{len(report.recorded)} recorded, {len(report.skipped)} were there, {len(report.failed)} failed")
    return ExitStatus.SUCCESS


def _by_person(options: RecordOptions, graph: Graph, given: dict[str, Scalar]) -> int:
    from segue_bringup.run.episode import Ending
    from segue_bringup.run.outcome import ENDINGS

    given.setdefault("terminal", own_terminal())
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, ("robot", "task", "seed", "runs"))
    _check(plan)
    refuse_before_start(plan)
    arguments = plan.arguments
    out = Path(str(arguments["runs"]))
    refuse_full_disk(out)
    folder = create_run_folder(
        out / "sessions", str(arguments["task"]), str(arguments["teleop"]), datetime.now().astimezone()
    )
    folder.write_configuration(graph, plan)
    ending = hold_session(options, plan, folder)
    wanted = ending in (Ending.RESULT, Ending.INTERRUPTED)  # Ctrl-C is how a person ends a session
    return int(ExitStatus.SUCCESS if wanted else ENDINGS[ending])


def own_terminal() -> str:
    """The terminal that this process was started in; empty without one."""
    return os.ttyname(sys.stdin.fileno()) if sys.stdin.isatty() else ""


def _check(plan: Plan) -> None:
    from segue_bringup.supervision.commands import executable_path

    arguments = plan.arguments
    if arguments["teleop"] == "none":
        text, allowed = (
            "segue record needs somebody who commands",
            ["keyboard", "gamepad", "leader", SCRIPTED],
        )
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got="teleop:=none", allowed=allowed)
    if arguments["teleop"] == "keyboard" and not (arguments["terminal"] or arguments["teleop_device"]):
        do = "start this in a terminal, or name one: terminal:=/dev/pts/N, see `tty`"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, "a keyboard needs a terminal", do=do)
    for node in plan.nodes:
        executable_path(node.package, node.executable)


@contextmanager
def terminal_kept() -> Iterator[None]:
    """The terminal is afterwards as it was before, whatever became of the node that reads its keys."""
    before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        yield
    finally:
        if before is not None:
            with suppress(termios.error):  # it was closed meanwhile
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def hold_session(options: RecordOptions | ReplayOptions, plan: Plan, folder: Any) -> Ending:
    """Run the graph until enough episodes are there, the time is over, or Ctrl-C; which of them it was."""
    from segue_bringup.run.collection import Collection, Session
    from segue_bringup.run.display import Shown
    from segue_bringup.run.episode import Ending
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.record_display import make_display

    session = Session()
    shown = Shown(f"{plan.arguments['task']} by {plan.arguments['teleop']}")
    with terminal_kept(), Interrupts() as interrupts:
        display = make_display(shown, session, quiet=options.quiet)
        try:
            collection = Collection(plan, folder, shown, display, interrupts, options.timeout, session)
            ending, _ = collection.run(None)
        finally:
            display.close()
        told = session.told
        print(
            f"{told.get('good', 0)} good episodes in {plan.arguments['runs']}, {told.get('doubtful', 0)} doubtful"
        )
        if ending is Ending.RESULT and told.get("note"):
            print(told["note"])
    return ending
