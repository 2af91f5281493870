"""Launch arguments: `name:=value` texts checked against a graph's declarations."""

import sys
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.catalogue import entry, names
from segue_bringup.graph import Argument, Graph, Scalar
from segue_core.contracts.search import is_world, name_of
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


def given_arguments(
    graph: Graph,
    launch: Mapping[str, Scalar],
    base: Mapping[str, Scalar] | None = None,
    fixed: Mapping[str, Scalar] | None = None,
) -> dict[str, Scalar]:
    """What a command gives its graph: what it is told, over `base`.

    A task alone is done by its robot, a robot alone does the first of its tasks, a policy alone one that it was
    trained for.

    Args:
        launch: what the command was told.
        base: what this command takes in place of the graph's defaults.
        fixed: what this command does not leave to anybody.

    Raises:
        ConfigError: an unknown name, a wrong value, or one that contradicts what is fixed.
    """
    resolve_arguments(graph, launch)
    given = {**(base or {}), **launch}
    for name, value in (fixed or {}).items():
        if name in launch and _differ(name, graph.arguments[name], launch[name], value):
            text = f"this command says {name}:={value}, an argument says something else; leave it out"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{name}:={launch[name]}")
        given[name] = value
    if "task" not in given and (task := _task_of(graph, launch)):
        given["task"] = task
    if "task" in given and "robot" not in given:
        given["robot"] = str(entry("tasks", str(given["task"]))["robot"])
    return given


def _task_of(graph: Graph, launch: Mapping[str, Scalar]) -> str:
    """The task of a robot that is named alone, or of a policy that has not learned the usual one; people are told."""
    if "robot" not in launch and ("policy" not in launch or "checkpoint" in launch):
        return ""
    from segue_data.contracts import first_task, trained_task

    usual = {name: str(graph.arguments[name].default) for name in ("task", "policy")}
    policy = str(launch.get("policy", usual["policy"]))
    if "robot" in launch:
        task, told = first_task(str(launch["robot"]), usual["task"], policy)
    else:
        task, told = trained_task(policy, usual["task"])
        task = task if told else ""
    if told:
        print(f"segue: {told}", file=sys.stderr)
    return task


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
    value = name_of(argument.config, str(value)) if argument.config else value
    if argument.config == "tasks" and is_world(str(value)):
        from segue_data.contracts import refuse_world

        refuse_world(str(value))
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
