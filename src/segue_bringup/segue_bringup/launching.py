"""The graph as a ROS `launch` description. Needs the ROS packages `launch` and `launch_ros`."""

import os
from collections.abc import Mapping
from typing import Any

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from segue_bringup.arguments import valid_values
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import NodePlan, make_plan
from segue_bringup.supervision.urgency import launch_prefix
from segue_bringup.usage import used_arguments

_GAZEBO_ARGUMENTS = ("robot", "task", "seed", "view", "gazebo_files")


def launch_description(
    graph_name: str = "task", only: tuple[str, ...] = (), defaults: Mapping[str, Scalar] | None = None
) -> LaunchDescription:
    """The graph `config/graph/<graph_name>.yaml`, or just its nodes `only`, with the arguments declared that these use.

    `defaults` are other defaults for some of its arguments.

    Raises:
        ConfigError: when launched, for an argument that is not valid; the text lists what is.
    """
    graph = load_graph(graph_name).with_defaults(defaults or {})
    chosen = graph.only(only) if only else graph
    names = used_arguments(chosen)
    return LaunchDescription(
        [*_declarations(graph, names), OpaqueFunction(function=_start, args=[chosen, names])]
    )


def gazebo_description() -> LaunchDescription:
    """What stands in for the robot with `sim:=gazebo`, and nothing else."""
    graph = load_graph()
    start = OpaqueFunction(function=_start_gazebo, args=[graph])
    return LaunchDescription([*_declarations(graph, _GAZEBO_ARGUMENTS), start])


def _declarations(graph: Graph, names: tuple[str, ...]) -> list[DeclareLaunchArgument]:
    declared = []
    for name in names:
        argument = graph.arguments[name]
        yes_or_no = isinstance(argument.default, bool)
        choices = ["true", "false"] if yes_or_no else list(argument.choices) or None
        default = str(argument.default).lower() if yes_or_no else str(argument.default)
        names_or_file = f" ({', '.join(valid_values(argument))}, or a file)" if argument.config else ""
        declared.append(
            DeclareLaunchArgument(
                name, default_value=default, description=argument.description + names_or_file, choices=choices
            )
        )
    return declared


def _start(context: LaunchContext, graph: Graph, names: tuple[str, ...]) -> list[LaunchDescriptionEntity]:
    from segue_bringup.run.refusals import refuse_unfit

    plan = make_plan(graph, _given(context, names))
    refuse_unfit(plan)
    nodes = [_action(node) for node in plan.nodes]
    if plan.arguments.get("sim") != "gazebo" or "hardware" not in (node.name for node in plan.nodes):
        return nodes
    from segue_bringup.gazebo_launch import gazebo_actions

    return [*gazebo_actions(plan), *nodes]


def _start_gazebo(context: LaunchContext, graph: Graph) -> list[LaunchDescriptionEntity]:
    from segue_bringup.gazebo_launch import gazebo_actions
    from segue_bringup.run.refusals import refuse_bad_robot

    plan = make_plan(graph, {**_given(context, _GAZEBO_ARGUMENTS), "sim": "gazebo"})
    refuse_bad_robot(plan)
    return gazebo_actions(plan)


def _given(context: LaunchContext, names: tuple[str, ...]) -> dict[str, str]:
    return {name: LaunchConfiguration(name).perform(context) for name in names}


def _action(node: NodePlan) -> LaunchDescriptionEntity:
    options: dict[str, Any] = {
        "package": node.package,
        "executable": node.executable,
        "name": node.name,
        "exec_name": node.name,
        "namespace": node.namespace,
        "remappings": list(node.remappings.items()),
        "parameters": [{name: _typed(value) for name, value in node.parameters.items()}],
        "additional_env": _unset(node.environment),
        "respawn": node.respawn.attempts > 0,
        "respawn_max_retries": node.respawn.attempts,
        "respawn_delay": node.respawn.delay_s,
        "output": "both",
        "prefix": _prefix(node),
    }
    if node.required and node.respawn.attempts == 0:
        options["on_exit"] = OpaqueFunction(function=_end_with, args=[node.name])
    return LifecycleNode(**options) if node.lifecycle else Node(**options)


def _prefix(node: NodePlan) -> str | None:
    if node.urgent:
        return launch_prefix() or None
    return f"nice -n {node.nice}" if node.nice else None


def _typed(value: Any) -> Any:
    """A text stays a text: launch would read `8` or `{a: 1}` in it as YAML and pass a number or a mapping."""
    return ParameterValue(value, value_type=str) if isinstance(value, str) else value


def _end_with(context: LaunchContext, name: str) -> list[LaunchDescriptionEntity]:
    """Ends everything with a required node, unless everything is ending already."""
    return [] if context.is_shutdown else [Shutdown(reason=f"required node {name!r} ended")]


def _unset(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of `environment` that the caller's own does not decide."""
    return {name: value for name, value in environment.items() if name not in os.environ}
