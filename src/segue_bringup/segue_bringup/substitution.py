"""References in plain data: `${name}` and `${name.key.key}`, replaced by what they stand for.

A reference to a mapping that has a `name` (a configuration entry) stands for that name.
"""

import re
from collections.abc import Mapping
from typing import Any

from segue_core.errors import ConfigError, ErrorCode, unknown_name

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")
_DEPTH = 8


def substitute(value: Any, values: Mapping[str, Any], source: str) -> Any:
    """Copy of `value` with every reference replaced.

    Text that is nothing but one reference takes the type of what it refers to; references inside longer text are
    written into it. What a reference leads to may hold references itself.

    Raises:
        ConfigError: a reference to nothing (lists what there is), or one that leads back to itself.
    """
    return _substitute(value, values, source, _DEPTH)


def _substitute(value: Any, values: Mapping[str, Any], source: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {key: _substitute(item, values, source, depth) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_substitute(item, values, source, depth) for item in value]
    if not isinstance(value, str) or not _REFERENCE.search(value):
        return value
    if depth == 0:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"{source}: reference leads back to itself", got=value
        )
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _substitute(_look_up(whole[1], values, source), values, source, depth - 1)
    text = _REFERENCE.sub(lambda match: str(_look_up(match[1], values, source)), value)
    return _substitute(text, values, source, depth - 1)


def _look_up(reference: str, values: Mapping[str, Any], source: str) -> Any:
    found: Any = values
    for part in reference.split("."):
        if not isinstance(found, Mapping) or part not in found:
            known = found if isinstance(found, Mapping) else ()
            error = unknown_name("reference", part, (str(name) for name in known))
            raise ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, f"{source}: in ${{{reference}}}: {error.text}")
        found = found[part]
    return found["name"] if isinstance(found, Mapping) and "name" in found else found
