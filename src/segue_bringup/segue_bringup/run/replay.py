"""The subcommand `replay`: a recorded episode commands the robot again, through the guard."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.folder import RunFolder, create_run_folder, refuse_full_disk, write_json
from segue_bringup.run.refusals import refuse_before_start
from segue_bringup.settings import ReplayOptions
from segue_bringup.usage import say_unused
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus


def replay(options: ReplayOptions) -> int:
    """Do it; status 1 when the episode succeeded and its replay did not."""
    from segue_bringup.run.episode import Ending
    from segue_bringup.run.outcome import ENDINGS
    from segue_bringup.run.record import hold_session
    from segue_data.bags.folders import the_bag
    from segue_data.bags.manifest import load
    from segue_data.bags.recorded import executed_commands
    from segue_data.contracts import load_robot
    from segue_data.datasets.bags_to_dataset import refuse_wrong_commands
    from segue_data.recording.replay_report import compare

    options = options.model_copy(update={"bag": the_bag(options.bag)})
    manifest = load(options.bag)
    graph = load_graph().with_defaults({"collect": True, "teleop": "replay"})
    given = _given(options, graph, manifest)
    robot = load_robot(str(given["robot"]))
    refuse_wrong_commands(options.bag, manifest, robot)
    executed_commands(options.bag, robot)  # what can be refused is refused before anything starts
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, ("robot", "task", "seed", "runs"))
    refuse_before_start(plan)
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
    if options.json_file:
        write_json(options.json_file, told)
    worse = report.recorded_outcome == "success" and report.replayed_outcome != "success"
    return ExitStatus.TASK_FAILED if worse else ExitStatus.SUCCESS


def _given(options: ReplayOptions, graph: Graph, manifest: Any) -> dict[str, Scalar]:
    recorded = {"robot": manifest.robot, "task": manifest.task, "seed": manifest.seed or 0}
    fixed: dict[str, Scalar] = {
        "replay": str(options.bag.absolute()),
        "teleop": "replay",
        "episodes": 1,
        "collect": True,
    }
    given = given_arguments(graph, options.launch, recorded, fixed)
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
