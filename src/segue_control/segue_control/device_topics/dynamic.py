"""Message types and their fields by name, so that a driver with its own messages needs configuration and no code."""

import importlib
import re
from typing import Any

from segue_core.errors import ConfigError, ErrorCode

_PART = re.compile(r"^(\w+)(?:\[(\d+)\])?$")


def message_class(name: str) -> Any:
    """The Python class of `pkg/msg/Name` (or `pkg/action/Name`).

    Raises:
        ConfigError: not such a name, or the package is not installed or does not have it.
    """
    parts = name.split("/")
    if len(parts) != 3 or not all(parts):
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "message type", got=name, expected="package/msg/Name"
        )
    package, kind, short = parts
    try:
        module = importlib.import_module(f"{package}.{kind}")
    except ImportError as error:
        text = f"messages of package '{package}' are not installed here ({error})"
        do = f"build it in your workspace, or install ros-$ROS_DISTRO-{package.replace('_', '-')}"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from error
    if not hasattr(module, short):
        raise ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, f"package '{package}' has no {kind} '{short}'")
    return getattr(module, short)


def get_field(message: Any, path: str) -> Any:
    """The value at `a.b[0].c`; raises ConfigError when there is none."""
    for part in path.split("."):
        message = _step(message, part, path)
    return message


def set_field(message: Any, path: str, value: float) -> None:
    """Sets the number at `a.b[0].c`; raises ConfigError when there is none."""
    *parents, last = path.split(".")
    for part in parents:
        message = _step(message, part, path)
    match = _PART.match(last)
    if match is None or not hasattr(message, match[1]):
        raise _no_field(message, path)
    there = getattr(message, match[1])
    if match[2] is not None:
        if not _has_index(there, int(match[2])):
            raise _no_field(message, path)
        there[int(match[2])] = value
    elif isinstance(there, int | float):
        setattr(message, match[1], type(there)(value))
    else:
        raise _no_field(message, path)


def _step(message: Any, part: str, path: str) -> Any:
    match = _PART.match(part)
    if match is None or not hasattr(message, match[1]):
        raise _no_field(message, path)
    value = getattr(message, match[1])
    if match[2] is None:
        return value
    if not _has_index(value, int(match[2])):
        raise _no_field(message, path)
    return value[int(match[2])]


def _has_index(values: Any, index: int) -> bool:
    return hasattr(values, "__len__") and index < len(values)


def _no_field(message: Any, path: str) -> ConfigError:
    fields: dict[str, str] = getattr(message, "get_fields_and_field_types", dict)()
    return ConfigError(
        ErrorCode.CONFIG_UNKNOWN_NAME,
        f"message {type(message).__name__} has no field '{path}'",
        allowed=fields,
    )
