"""`segue moveit`: write what MoveIt's own programs need for a robot: URDF, SRDF and parameters."""

from pathlib import Path

from segue_bringup.arguments import resolve_arguments
from segue_bringup.catalogue import names, path_of
from segue_bringup.graph import load_graph
from segue_bringup.settings import MoveItOptions
from segue_bringup.usage import say_not_among
from segue_core.contracts.files import load_robot
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus


def _robot(name: str) -> RobotConfig:
    return load_robot(str(path_of("robots", name)))


def _has_group(robot: RobotConfig) -> bool:
    return bool(robot.planning and robot.planning.moveit_group)


def _refuse_without_group(robot: RobotConfig) -> None:
    """MoveIt's programs have no other planner to fall back to, as `segue move` has."""
    if _has_group(robot):
        return
    others = [name for name in names("robots") if _has_group(_robot(name))]
    text = f"robot {robot.name!r} names no planning group for MoveIt"
    do = f"take one that does (robot:={others[0]})" if others else "take one that does"
    do += ", or give planning.moveit_group in its contract, such as arm: docs/planned-moves.md"
    raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=do)


def run(options: MoveItOptions) -> int:
    """Do it; the exit status."""
    from segue_control.planning.moveit_parameters import (
        move_group_parameters,
        moveit_parameters,
        parameter_file,
    )
    from segue_data.storage.atomic import write_text
    from segue_sim.description.urdf import description

    arguments = resolve_arguments(load_graph(), options.launch)
    say_not_among(("robot",), options.launch)
    robot = _robot(str(arguments["robot"]))
    _refuse_without_group(robot)
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
