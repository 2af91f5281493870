"""Which hardware settings a robot is run with: the ones asked for, the contract's own, or the shipped ones."""

from pathlib import Path

from segue_core.contracts.files import load_file
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name

_MAP = "docs/hardware.md"


def load_hardware(robot: RobotConfig, robot_file: str, asked: str) -> HardwareConfig:
    """The settings for a robot.

    Args:
        robot_file: path of its contract; settings by name are in the folder `hardware` beside its own.
        asked: a name there, a path, or nothing: the contract's section, else the file with the robot's name.

    Raises:
        ConfigError: there are none, or they are not valid; the text says what there is and what to do.
    """
    folder = Path(robot_file).resolve().parent.parent / "hardware"
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if asked.endswith((".yaml", ".yml")):
        return load_file(asked, HardwareConfig, "hardware")
    if asked:
        if asked not in there:
            raise unknown_name("hardware", asked, there)
        return load_file(str(there[asked]), HardwareConfig, "hardware")
    if robot.hardware is not None:
        return robot.hardware
    if robot.name in there:
        return load_file(str(there[robot.name]), HardwareConfig, "hardware")
    raise ConfigError(
        ErrorCode.CONFIG_INVALID_VALUE,
        f"nothing says how the real robot '{robot.name}' is reached",
        allowed=there,
        do=f"give hardware:=NAME, or put a `hardware:` section into its contract, or a file {robot.name}.yaml into "
        f"config/hardware; {_MAP} tells how",
    )
