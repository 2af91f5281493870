"""`segue move`: take the arms to their home pose or to a task's start pose by a planned way."""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from segue_bringup.arguments import given_arguments
from segue_bringup.catalogue import entry
from segue_bringup.graph import load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.refusals import refuse_before_start
from segue_bringup.settings import NOT_OF_A_MOVE, MoveOptions
from segue_bringup.usage import say_unused
from segue_core.errors import ErrorCode, SegueError, told_code
from segue_core.exit_status import ExitStatus, exit_status
from segue_data.storage.atomic import write_text

if TYPE_CHECKING:
    from segue_bringup.run.episode import Ending
    from segue_interfaces.action import MoveTo


def run(options: MoveOptions) -> int:
    """Do it; the exit status. What goes wrong before anything is started is raised as SegueError."""
    from segue_interfaces.action import MoveTo

    plan = _plan(options)
    goal = MoveTo.Goal(pose=_pose(options.pose, plan), speed=options.speed)
    if not options.running:
        refuse_before_start(plan)
    began = time.monotonic()
    ending, result = _ask(goal, plan, options) if options.running else _start_and_ask(goal, plan, options)
    return _tell(goal, ending, result, time.monotonic() - began, options)


def _plan(options: MoveOptions) -> Plan:
    graph = load_graph()
    given = given_arguments(
        graph, options.launch, {"policy": "hold"}, {"planned_moves": True, "record": False}
    )
    graph = graph.only(tuple(node.name for node in graph.nodes if node.name not in NOT_OF_A_MOVE))
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, ("robot", "task", "runs"))
    return plan


def _pose(wanted: str, plan: Plan) -> str:
    """The contract's name of a pose; refused here already when there is none."""
    from segue_bringup.catalogue import path_of
    from segue_core.contracts.files import load_robot

    task = entry("tasks", str(plan.arguments["task"]))
    name = str(task.get("start_pose", "home")) if wanted == "start" else wanted
    load_robot(str(path_of("robots", str(plan.arguments["robot"])))).pose_rad(name)
    return name


def _start_and_ask(
    goal: "MoveTo.Goal", plan: Plan, options: MoveOptions
) -> "tuple[Ending, MoveTo.Result | None]":
    """A graph of its own: simulator or hardware, controller, mover."""
    from segue_bringup.run.display import Shown, make_display
    from segue_bringup.run.folder import create_run_folder
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.move_episode import MoveEpisode

    folder = create_run_folder(
        Path(str(plan.arguments["runs"])), "move", goal.pose, datetime.now().astimezone()
    )
    folder.write_configuration(load_graph(), plan)
    shown = Shown(f"move {plan.arguments['robot']} to {goal.pose}")
    with Interrupts() as interrupts:
        display = make_display(shown, options.quiet)
        try:
            return MoveEpisode(plan, folder, shown, display, interrupts, options.timeout).run(goal)
        finally:
            display.close()


def _ask(goal: "MoveTo.Goal", plan: Plan, options: MoveOptions) -> "tuple[Ending, MoveTo.Result | None]":
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
    options: MoveOptions,
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
    if options.json_file:
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
        write_text(options.json_file, json.dumps(told, indent=2) + "\n")
    return int(status)
