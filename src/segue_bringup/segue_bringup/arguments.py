"""Launch arguments: `name:=value` texts checked against a graph's declarations."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from segue_bringup.catalogue import names
from segue_bringup.graph import Argument, Graph, Scalar
from segue_core.errors import ConfigError, ErrorCode, unknown_name

_BOOLEANS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def split_assignments(texts: Iterable[str]) -> dict[str, str]:
    """`["task:=pick_place"]` as a mapping; a name that comes twice takes its last value.

    Raises:
        ConfigError: a text without `:=`.
    """
    given: dict[str, str] = {}
    for text in texts:
        name, assign, value = text.partition(":=")
        if not assign or not name:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "not an argument", got=text, expected="name:=value"
            )
        given[name] = value
    return given


def given_arguments(
    graph: Graph,
    texts: Iterable[str],
    options: Mapping[str, tuple[str, Scalar | None]] | None = None,
    fixed: Mapping[str, Scalar] | None = None,
) -> dict[str, Scalar]:
    """What a command gives its graph: `name:=value` words, options that mean the same, and what it sets itself.

    Args:
        options: by argument, what the option is called and its value, None where it is not given.
        fixed: what this command does not leave to anybody.

    Raises:
        ConfigError: a word that is none, an unknown name, or two that say different things of one argument.
    """
    given: dict[str, Scalar] = dict(split_assignments(texts))
    resolve_arguments(graph, given)
    said = {name: (option, value) for name, (option, value) in (options or {}).items() if value is not None}
    said |= {name: ("this command", value) for name, value in (fixed or {}).items()}
    for name, (who, value) in said.items():
        if name in given and _differ(name, graph.arguments[name], given[name], value):
            text = f"{who} says {name}:={value}, an argument says something else; leave one out"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{name}:={given[name]}")
        given[name] = value
    return given


def _differ(name: str, argument: Argument, one: Scalar, other: Scalar) -> bool:
    first, second = (_typed(name, argument.default, value) for value in (one, other))
    return first != second and Path(str(first)).absolute() != Path(str(second)).absolute()


def valid_values(argument: Argument) -> tuple[str, ...]:
    """The only values that `argument` takes; empty when they cannot be listed."""
    return tuple(names(argument.config)) if argument.config else argument.choices


def resolve_arguments(graph: Graph, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """A value for every argument of `graph`: the given one, typed and checked, or the default.

    Raises:
        ConfigError: unknown argument, wrong type, out of range, or a name that does not exist (lists the valid ones).
    """
    for name in given:
        if name not in graph.arguments:
            raise unknown_name("argument", name, graph.arguments)
    return {
        name: _checked(name, argument, given[name]) if name in given else argument.default
        for name, argument in graph.arguments.items()
    }


def _checked(name: str, argument: Argument, value: Scalar) -> Scalar:
    allowed = valid_values(argument)
    if allowed and str(value) not in allowed:
        raise unknown_name(name, str(value), allowed)
    typed = _typed(name, argument.default, value)
    if isinstance(typed, int | float) and not isinstance(typed, bool):
        _check_range(name, argument, typed)
    return typed


def _typed(name: str, default: Scalar, value: Scalar) -> Scalar:
    text = str(value).strip()
    try:
        if isinstance(default, bool):
            return _BOOLEANS[text.lower()]
        if isinstance(default, int):
            return int(text)
        return float(text) if isinstance(default, float) else text
    except (ValueError, KeyError):
        kind = (
            "true or false"
            if isinstance(default, bool)
            else "a number"
            if isinstance(default, float)
            else "an integer"
        )
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"argument {name!r}", got=text, expected=kind
        ) from None


def _check_range(name: str, argument: Argument, value: float) -> None:
    low = argument.low if argument.low is not None else float("-inf")
    high = argument.high if argument.high is not None else float("inf")
    if not low <= value <= high:
        expected = f"{low:g} to {high:g}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"argument {name!r}", got=value, expected=expected)
