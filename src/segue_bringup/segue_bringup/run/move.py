"""`segue move`: take the arms to their home pose or to a task's start pose by a planned way."""

import argparse
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue_bringup.arguments import given_arguments, split_assignments
from segue_bringup.catalogue import entry, names
from segue_bringup.graph import Scalar, load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.command import refuse_planner
from segue_bringup.usage import say_unused
from segue_control.planning.trajectory import SLOWEST
from segue_core.errors import ConfigError, ErrorCode, SegueError, told_code
from segue_core.exit_status import ExitStatus, exit_status
from segue_data.storage.atomic import write_text

if TYPE_CHECKING:
    from segue_bringup.run.episode import Ending
    from segue_interfaces.action import MoveTo

_NOT_NEEDED = ("perception", "policy", "scheduler", "recorder")
_EXAMPLES = """\
examples:
  segue move home                                 start the simulated robot, move it, stop it again
  segue move home robot:=franka task:=reach_target
  segue move start task:=pick_place               to the pose that the task begins in
  ROS_DOMAIN_ID=42 segue move home --running      the robot of a graph that runs with planned_moves:=true
"""


def add_parser(subparsers: Any) -> None:
    """Add `move` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "move",
        help="move the arms to home or to a task's start pose by a planned way",
        description="Plan a way that touches nothing, follow it through the controller and its guard, and disarm.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pose", help="home, start (of the task), or a pose that the robot's contract names")
    parser.add_argument(
        "arguments", nargs="*", metavar="name:=value", help="launch arguments, see segue run --help"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="slow-down, 0.01 to 1")
    parser.add_argument(
        "--running", action="store_true", help="start nothing: use the graph that runs on this domain"
    )
    parser.add_argument(
        "--timeout", type=float, default=120.0, metavar="SECONDS", help="give up after so long"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result to a file")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the logs go; the same as runs:=")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status. What goes wrong before anything is started is raised as SegueError."""
    from segue_interfaces.action import MoveTo

    plan = _plan(options)
    if not SLOWEST <= options.speed <= 1.0:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--speed", got=options.speed, expected=f"{SLOWEST} to 1"
        )
    goal = MoveTo.Goal(pose=_pose(options.pose, plan), speed=options.speed)
    if not options.running:
        refuse_planner(plan)
    began = time.monotonic()
    ending, result = _ask(goal, plan, options) if options.running else _start_and_ask(goal, plan, options)
    return _tell(goal, ending, result, time.monotonic() - began, options)


def _plan(options: argparse.Namespace) -> Plan:
    graph = load_graph()
    given: dict[str, Scalar] = {"policy": "hold"}
    given |= given_arguments(
        graph,
        options.arguments,
        {"runs": ("--out", options.out and str(options.out))},
        {"planned_moves": True, "record": False},
    )
    if "robot" in given and "task" not in given:
        given["task"] = _a_task_of(str(given["robot"]))
    graph = graph.only(tuple(node.name for node in graph.nodes if node.name not in _NOT_NEEDED))
    plan = make_plan(graph, given)
    say_unused(graph, plan, split_assignments(options.arguments), ("robot", "task", "runs"))
    return plan


def _a_task_of(robot: str) -> str:
    """The first task that is made for a robot: something must stand around it in simulation."""
    fitting = [name for name in names("tasks") if entry("tasks", name)["robot"] == robot]
    if not fitting:
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, f"no task is made for robot {robot!r}", do="give task:=NAME"
        )
    return fitting[0]


def _pose(wanted: str, plan: Plan) -> str:
    """The contract's name of a pose; refused here already when there is none."""
    from segue_bringup.catalogue import path_of
    from segue_core.contracts.files import load_robot

    task = entry("tasks", str(plan.arguments["task"]))
    name = str(task.get("start_pose", "home")) if wanted == "start" else wanted
    load_robot(str(path_of("robots", str(plan.arguments["robot"])))).pose_rad(name)
    return name


def _start_and_ask(
    goal: "MoveTo.Goal", plan: Plan, options: argparse.Namespace
) -> "tuple[Ending, MoveTo.Result | None]":
    """A graph of its own: simulator or hardware, controller, mover."""
    from segue_bringup.run.display import Progress, make_display
    from segue_bringup.run.folder import create_run_folder
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.move_episode import MoveEpisode

    folder = create_run_folder(
        Path(str(plan.arguments["runs"])), "move", goal.pose, datetime.now().astimezone()
    )
    folder.write_configuration(load_graph(), plan)
    progress = Progress(f"move {plan.arguments['robot']} to {goal.pose}")
    with Interrupts() as interrupts:
        display = make_display(progress, options.quiet)
        try:
            return MoveEpisode(plan, folder, progress, display, interrupts, options.timeout).run(goal)
        finally:
            display.close()


def _ask(
    goal: "MoveTo.Goal", plan: Plan, options: argparse.Namespace
) -> "tuple[Ending, MoveTo.Result | None]":
    """The mover of a graph that runs already, on this ROS domain."""
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.move_episode import ask_running

    with Interrupts() as interrupts:
        return ask_running(goal, options.timeout, interrupts, plan.namespace)


def _tell(
    goal: "MoveTo.Goal",
    ending: "Ending",
    result: "MoveTo.Result | None",
    seconds: float,
    options: argparse.Namespace,
) -> int:
    from segue_bringup.run.outcome import ENDINGS, WORDS

    if ending in ENDINGS or result is None:
        stopped = "the arms were stopped first" if result else "no result"
        print(f"segue move: {WORDS.get(ending, 'ended')}; {stopped}", file=sys.stderr)
        return int(ENDINGS.get(ending, ExitStatus.RUN_FAILED))
    status = ExitStatus.SUCCESS
    if not result.success:
        error = SegueError(told_code(result.error_code, ErrorCode.PROCESS_FAILED), result.error_text)
        print(f"segue move: {error}", file=sys.stderr)
        status = exit_status(error)
    else:
        print(
            f"at {goal.pose}: {result.found_by} way, {result.duration_s:.2f} s of motion, "
            f"{1000 * result.error_rad:.1f} mrad off"
        )
    if options.json:
        told = {
            "success": result.success,
            "pose": goal.pose,
            "found_by": result.found_by,
            "duration_s": result.duration_s,
            "error_rad": result.error_rad,
            "wall_s": seconds,
            "error_code": result.error_code,
            "error_text": result.error_text,
        }
        write_text(options.json, json.dumps(told, indent=2) + "\n")
    return int(status)
