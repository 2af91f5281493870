"""Configuration files named by node parameters."""

from typing import TypeVar

from segue_core.contracts.base import StrictModel
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import load_config

ModelT = TypeVar("ModelT", bound=StrictModel)


def load_file(path: str, model: type[ModelT], what: str) -> ModelT:
    """Reads the YAML file at `path`; `what` says in errors what it should have been, such as "robot".

    Raises:
        ConfigError: the file cannot be read, or its content is not valid; the file is named.
    """
    if not path:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"no {what} file given", expected="the path of a YAML file"
        )
    return load_config(path, model, what)


def load_robot(path: str) -> RobotConfig:
    """The robot contract at `path`, see `load_file`."""
    return load_file(path, RobotConfig, "robot")
