"""A graph and its arguments turned into the processes to start. Used alike for `launch` and for the supervisor."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segue_bringup.arguments import resolve_arguments
from segue_bringup.catalogue import config_root, entry, path_of
from segue_bringup.environment.variables import profile_name
from segue_bringup.graph import Graph, GraphNode, Ready, Respawn, Scalar
from segue_bringup.substitution import substitute
from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, ErrorCode
from segue_core.scheduler_config import SchedulerConfig

SLOWEST_PACE = 0.05
"""Simulated seconds per second, at least; the simulator takes no less."""

_NAMESPACE = re.compile(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)
_PATHS = ("runs", "checkpoint", "gazebo_files", "teleop_file")


@dataclass(frozen=True)
class NodePlan:
    """One process, with nothing left to look up."""

    name: str
    package: str
    executable: str
    parameters: Mapping[str, Any]
    environment: Mapping[str, str]
    lifecycle: bool
    required: bool
    respawn: Respawn
    ready: Ready
    nice: int = 0
    urgent: bool = False
    ends_last: bool = False
    namespace: str = ""  # "left", without slashes at its ends
    remappings: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Name of the node in its namespace, as in `/left/controller`."""
        return self.resolve(self.name)

    def resolve(self, name: str) -> str:
        """The full name of a topic or service of this node; one that begins with a slash is full already."""
        return name if name.startswith("/") else "/".join(("", *filter(None, (self.namespace, name))))


@dataclass(frozen=True)
class Plan:
    """Everything that is needed to start a graph: the value of every argument and the processes."""

    arguments: Mapping[str, Scalar]
    nodes: tuple[NodePlan, ...]
    namespace: str = ""

    def node(self, name: str) -> NodePlan:
        """The process called `name`; KeyError when this plan has none."""
        return {node.name: node for node in self.nodes}[name]


def make_plan(graph: Graph, given: Mapping[str, Scalar]) -> Plan:
    """Check the arguments and fill in every reference.

    Raises:
        ConfigError: an argument or a configuration file is wrong; the text says which, where and what is valid.
    """
    raw = resolve_arguments(graph, given)
    values = _known_values(graph, raw)
    _check_fit(values)
    arguments = {name: _absolute(name, substitute(raw[name], values, f"argument {name}")) for name in raw}
    if "continuation" in arguments:
        arguments |= _own_lengths(values["policy"], arguments, given)
        if "stride" not in given:
            arguments["stride"] = _fitting_stride(arguments)
    if arguments.get("progress"):
        arguments["progress"] = _estimator(str(arguments["progress"]), str(arguments["task"]))
        arguments["rule_options"] = _learned_stop(arguments)
    if "real_time_factor" in arguments:
        arguments["real_time_factor"] = _pace(float(arguments["real_time_factor"]), values)
    values.update({name: value for name, value in arguments.items() if graph.arguments[name].config is None})
    environment = substitute(graph.environment, values, "environment")
    namespace = checked_namespace(str(substitute(graph.namespace, values, "namespace")), arguments)
    nodes = [_plan_node(node, graph, values, environment) for node in graph.nodes if _wanted(node, arguments)]
    return Plan(arguments, tuple(replace(node, namespace=namespace) for node in nodes), namespace)


def checked_namespace(asked: str, arguments: Mapping[str, Scalar]) -> str:
    """A ROS namespace without slashes at its ends; empty for none. ConfigError for what ROS does not take for one."""
    name = asked.strip("/")
    if name and not _NAMESPACE.fullmatch(name):
        expected = "words of letters, digits and _ that begin with a letter, with / between them"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "argument 'namespace'", got=asked, expected=expected
        )
    if name and arguments.get("sim") == "gazebo":
        text = "sim:=gazebo has no namespaces: Gazebo's own topics are those of one robot"
        do = "give each robot a ROS domain (ROS_DOMAIN_ID)"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"namespace:={asked}", do=do)
    return name


def _known_values(graph: Graph, arguments: Mapping[str, Scalar]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "config": str(config_root()),
        "dds_profile": profile_name(os.environ),
        **arguments,
    }
    for name, argument in graph.arguments.items():
        if argument.config:
            chosen = str(arguments[name])
            path = str(path_of(argument.config, chosen))
            values[name] = {**entry(argument.config, chosen), "name": chosen, "path": path}
    for name, derived in graph.derived.items():
        values[name] = derived.values[str(arguments[derived.argument])]
    return values


def _own_lengths(
    policy: Mapping[str, Any], arguments: Mapping[str, Scalar], given: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """Stride and delay that a policy has of its own with its own continuation, where none were given."""
    if arguments["continuation"] != policy["continuation"]:
        return {}
    return {name: policy[name] for name in ("stride", "delay") if name not in given}


def _fitting_stride(arguments: Mapping[str, Scalar]) -> int:
    from segue_policies.checkpoints.usual_stride import fitting_stride

    stride, delay = int(arguments["stride"]), int(arguments["delay"])
    return fitting_stride(stride, delay, str(arguments["checkpoint"]))


def _estimator(given: str, task: str) -> str:
    from segue_policies.estimator_loading import estimator_folder

    folder = estimator_folder(given, task, config_root() / "checkpoints")
    return str(Path(folder).expanduser().absolute())


def _learned_stop(arguments: Mapping[str, Scalar]) -> str:
    """The options of the rules, with the threshold that the progress estimator was calibrated to."""
    from segue_policies.estimator_loading import calibrated, check_estimator

    given = {name: arguments[name] for name in ("termination", "rule_options")}
    config, folder = parse_model(given, SchedulerConfig, "run"), Path(str(arguments["progress"]))
    options = calibrated(folder, check_estimator(folder), config.termination, config.rule_options)
    return json.dumps(options) if options else ""


def _pace(asked: float, values: Mapping[str, Any]) -> float:
    """Simulated seconds per second; for 0 it is 1, or what the policy needs for the task."""
    if 0 < asked < SLOWEST_PACE:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            "argument 'real_time_factor'",
            got=asked,
            expected=f"0 (the usual pace), or {SLOWEST_PACE:g} to 10",
        )
    usual: float = values["policy"]["real_time_factors"].get(values["task"]["name"], 1.0)
    return asked or usual


def _check_fit(values: Mapping[str, Any]) -> None:
    robot, task = values.get("robot"), values.get("task")
    if isinstance(robot, Mapping) and isinstance(task, Mapping) and task["robot"] != robot["name"]:
        text = f"task {task['name']!r} is made for another robot"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=robot["name"], expected=task["robot"])


def _absolute(name: str, value: Scalar) -> Scalar:
    return str(Path(str(value)).expanduser().absolute()) if name in _PATHS and value else value


def _wanted(node: GraphNode, arguments: Mapping[str, Scalar]) -> bool:
    allowed = {name: value if isinstance(value, tuple) else (value,) for name, value in node.when.items()}
    fits = all(arguments[name] in values for name, values in allowed.items())
    return fits and all(arguments[name] != "" for name in node.given)


def _plan_node(
    node: GraphNode, graph: Graph, values: Mapping[str, Any], environment: Mapping[str, str]
) -> NodePlan:
    source = f"node {node.name}"
    parameters = substitute({**graph.parameters, **node.parameters}, values, source)
    return NodePlan(
        name=node.name,
        package=str(substitute(node.package, values, source)),
        executable=str(substitute(node.executable, values, source)),
        parameters=parameters,
        environment=environment,
        lifecycle=node.lifecycle,
        required=node.required,
        respawn=node.respawn,
        ready=node.ready,
        nice=int(substitute(node.nice, values, source)),
        urgent=bool(substitute(node.urgent, values, source)),
        ends_last=node.ends_last,
        remappings=graph.remappings,
    )
