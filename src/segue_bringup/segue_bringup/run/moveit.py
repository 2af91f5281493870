"""`segue moveit`: write what MoveIt's own programs need for a robot: URDF, SRDF and parameters."""

from pathlib import Path

from segue_bringup.arguments import resolve_arguments
from segue_bringup.catalogue import path_of
from segue_bringup.graph import load_graph
from segue_bringup.settings import MoveItOptions
from segue_bringup.usage import say_not_among
from segue_core.exit_status import ExitStatus


def run(options: MoveItOptions) -> int:
    """Do it; the exit status."""
    from segue_control.planning.moveit_parameters import (
        move_group_parameters,
        moveit_parameters,
        parameter_file,
    )
    from segue_core.contracts.files import load_robot
    from segue_data.storage.atomic import write_text
    from segue_sim.description.urdf import description

    arguments = resolve_arguments(load_graph(), options.launch)
    say_not_among(("robot",), options.launch)
    robot = load_robot(str(path_of("robots", str(arguments["robot"]))))
    folder: Path = options.out.absolute()
    parameters = moveit_parameters(robot, description(robot, folder / "meshes"))
    files = {
        "robot.urdf": parameters["robot_description"],
        "robot.srdf": parameters["robot_description_semantic"],
        "moveit_py.yaml": parameter_file(parameters),
        "move_group.yaml": parameter_file(move_group_parameters(parameters)),
    }
    for name, text in files.items():
        write_text(folder / name, text)
        print(folder / name)
    return int(ExitStatus.SUCCESS)
