"""Which cameras a robot is run with: the ones asked for, else the shipped file with the robot's name."""

from pathlib import Path

from segue_core.contracts.files import load_file
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_perception.camera_config import CameraSet


def load_camera_set(robot: RobotConfig, robot_file: str, asked: str) -> CameraSet:
    """The cameras of a robot.

    Args:
        robot_file: path of its contract; sets by name are in the folder `cameras` beside its own.
        asked: a name there, a path, or nothing: the set with the robot's name.

    Raises:
        ConfigError: there is none, it is not valid, or it has other cameras than the contract.
    """
    folder = Path(robot_file).resolve().parent.parent / "cameras"
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    name = asked or robot.name
    if asked.endswith((".yaml", ".yml")):
        path = asked
    elif name in there:
        path = str(there[name])
    elif asked:
        raise unknown_name("camera set", asked, there)
    else:
        text = f"nothing says where the pictures of robot '{robot.name}' come from"
        do = f"give camera_set:=NAME, or put a file {robot.name}.yaml into config/cameras; docs/hardware.md tells how"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=there, do=do)
    found = load_file(path, CameraSet, "camera set")
    if set(found.cameras) != set(robot.cameras):
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT,
            f"{path}: its cameras are not those of robot '{robot.name}'",
            got=", ".join(found.cameras),
            expected=", ".join(robot.cameras),
        )
    return found
