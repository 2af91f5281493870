"""`segue moveit`: write what MoveIt's own programs need for a robot: URDF, SRDF and parameters."""

import argparse
from pathlib import Path
from typing import Any

from segue_bringup.arguments import resolve_arguments, split_assignments
from segue_bringup.catalogue import path_of
from segue_bringup.graph import load_graph
from segue_bringup.usage import say_not_among
from segue_core.exit_status import ExitStatus

_DESCRIPTION = """\
Write robot.urdf with its meshes, robot.srdf, moveit_py.yaml (for MoveItPy and moveit_cpp) and move_group.yaml, all made
from the robot's contract. `planner:=moveit` needs none of them; see docs/planned-moves.md.
"""


def add_parser(subparsers: Any) -> None:
    """Add `moveit` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "moveit",
        help="write MoveIt's files for a robot",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="robot:=")
    parser.add_argument("--out", type=Path, default=Path("moveit"), metavar="FOLDER", help="where to")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    from segue_control.planning.moveit_parameters import (
        move_group_parameters,
        moveit_parameters,
        parameter_file,
    )
    from segue_core.contracts.files import load_robot
    from segue_data.storage.atomic import write_text
    from segue_sim.description.urdf import description

    given = split_assignments(options.arguments)
    arguments = resolve_arguments(load_graph(), given)
    say_not_among(("robot",), given)
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
