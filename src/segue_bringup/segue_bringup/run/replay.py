"""The subcommand `replay`: a recorded episode commands the robot again, through the guard."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from segue_bringup.arguments import given_arguments, split_assignments
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.folder import RunFolder, create_run_folder, refuse_full_disk, write_json
from segue_bringup.usage import say_unused
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus

_EXAMPLES = """\
examples:
  segue replay recordings/episode_000003                     in the simulator, from the episode's own seed
  segue replay recordings/episode_000003 sim:=none           on the robot; it waits for Enter

The robot goes to the episode's first pose at 0.15 m/s, then every recorded command is sent at its tick; the guard
bounds them like any other. The replay is recorded, too, and compared with the recording: tools and joints.
"""


def add_parser(subparsers: Any) -> None:
    """Add `replay` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "replay",
        help="play a recorded episode again in the simulator or on the robot, with the guard on",
        description="Play a recorded episode again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of one recorded episode")
    parser.add_argument(
        "arguments", nargs="*", metavar="name:=value", help="launch arguments, see `segue run --help`"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where run folders go; the same as runs:=")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the comparison")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after so much wall time")
    parser.add_argument("--quiet", action="store_true", help="show no display")
    parser.set_defaults(func=replay)


def replay(options: argparse.Namespace) -> int:
    """Do it; status 1 when the episode succeeded and its replay did not."""
    from segue_bringup.run.episode import Ending
    from segue_bringup.run.outcome import ENDINGS
    from segue_bringup.run.record import hold_session
    from segue_data.bags.manifest import load
    from segue_data.bags.recorded import executed_commands
    from segue_data.contracts import load_robot
    from segue_data.recording.replay_report import compare

    manifest = load(options.bag)
    graph = load_graph().with_defaults({"collect": True, "teleop": "replay"})
    given = _given(options, graph, manifest)
    robot = load_robot(str(given["robot"]))
    executed_commands(options.bag, robot)  # what can be refused is refused before anything starts
    plan = make_plan(graph, given)
    say_unused(graph, plan, split_assignments(options.arguments), ("robot", "task", "seed", "runs"))
    refuse_full_disk(Path(str(plan.arguments["runs"])))
    folder = _folder(plan)
    plan = make_plan(graph, {**given, "runs": str(folder.bag)})
    folder.write_configuration(graph, plan)
    ending = hold_session(options, plan, folder)
    if ending is not Ending.RESULT:
        return int(ENDINGS[ending])
    replayed = sorted(folder.bag.glob("episode_*"))
    if not replayed:
        return int(ExitStatus.RUN_FAILED)
    report = compare(options.bag, replayed[0], robot)
    print(report.text())
    print(f"run folder: {folder.root}")
    told = report.to_dict()
    write_json(folder.root / "result.json", told)
    if options.json:
        write_json(options.json, told)
    worse = report.recorded_outcome == "success" and report.replayed_outcome != "success"
    return ExitStatus.TASK_FAILED if worse else ExitStatus.SUCCESS


def _given(options: argparse.Namespace, graph: Graph, manifest: Any) -> dict[str, Scalar]:
    given: dict[str, Scalar] = {"robot": manifest.robot, "task": manifest.task, "seed": manifest.seed or 0}
    given |= given_arguments(
        graph,
        options.arguments,
        {"runs": ("--out", options.out and str(options.out))},
        {"replay": str(options.bag.absolute()), "teleop": "replay", "episodes": 1, "collect": True},
    )
    if given.get("sim", "mujoco") == "none":
        from segue_bringup.run.record import own_terminal

        terminal = given.setdefault("terminal", own_terminal())
        if not terminal:
            text = "a replay on the robot waits for Enter"
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do="start it in a terminal")
    return given


def _folder(plan: Plan) -> RunFolder:
    runs, task = Path(str(plan.arguments["runs"])), str(plan.arguments["task"])
    return create_run_folder(runs, task, "replay", datetime.now().astimezone())
