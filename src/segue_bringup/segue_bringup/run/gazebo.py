"""`segue gazebo`: write what Gazebo needs for a robot at a task, to look at or to use elsewhere."""

import sys
from pathlib import Path

from segue_bringup.arguments import given_arguments
from segue_bringup.catalogue import path_of
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.settings import GazeboOptions
from segue_bringup.usage import say_not_among
from segue_core.exit_status import ExitStatus


def run(options: GazeboOptions) -> int:
    """Do it; the exit status."""
    from segue_bringup.run.refusals import refuse_bad_robot
    from segue_core.contracts.files import load_file, load_robot
    from segue_core.contracts.task import TaskConfig
    from segue_sim.gazebo.write import write_gazebo

    graph = load_graph()
    given = given_arguments(graph, options.launch, fixed={"sim": "gazebo"})
    say_not_among(("robot", "task", "seed", "gazebo_files", "sim"), given)
    plan = make_plan(graph, {"policy": "hold", **given})
    refuse_bad_robot(plan)
    arguments = plan.arguments
    robot = load_robot(str(path_of("robots", str(arguments["robot"]))))
    task = load_file(str(path_of("tasks", str(arguments["task"]))), TaskConfig, "task")
    files = write_gazebo(robot, task, int(arguments["seed"]), Path(str(arguments["gazebo_files"])))
    for path in (files.world, files.robot, files.bridge, files.controller_parameters, files.hardware):
        print(path)
    for sentence in files.unsaid:
        print(f"not in the files: {sentence}", file=sys.stderr)
    return int(ExitStatus.SUCCESS)
