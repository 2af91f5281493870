"""The command line and environment that start a node of a plan, the same way `launch_ros` starts it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml

from segue_bringup.resolution import NodePlan, Plan
from segue_bringup.supervision.forked import ForkServer
from segue_bringup.supervision.head_start import begun
from segue_core.errors import ConfigError, ErrorCode, SegueError


def executable_path(package: str, executable: str) -> Path:
    """The installed executable of a package.

    Raises:
        ConfigError: the package is not installed (or the workspace not sourced), or has no such executable.
    """
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        folder = Path(get_package_prefix(package)) / "lib" / package
    except PackageNotFoundError:
        text, do = (
            f"package {package!r} is not installed",
            "build the workspace and source its install/setup.bash",
        )
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from None
    path = folder / executable
    if not os.access(path, os.X_OK):
        have = sorted(file.name for file in folder.glob("*")) if folder.is_dir() else []
        text = f"package {package!r} has no executable {executable!r}"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, allowed=have)
    return path


def write_parameters(node: NodePlan, folder: Path) -> Path:
    """The node's parameters as a ROS parameter file, `<folder>/<node>.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{node.name}.yaml"
    content = {node.full_name: {"ros__parameters": dict(node.parameters)}}
    path.write_text(yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
    return path


def node_command(node: NodePlan, parameters: Path) -> list[str]:
    """What to run for a node whose parameters are in the file `parameters`."""
    executable = str(executable_path(node.package, node.executable))
    names = {"__node": node.name}
    if node.namespace:
        names |= {"__ns": f"/{node.namespace}", **node.remappings}
    renamed = [word for old, new in names.items() for word in ("-r", f"{old}:={new}")]
    return [executable, "--ros-args", *renamed, "--params-file", str(parameters)]


def node_environment(node: NodePlan, base: Mapping[str, str]) -> dict[str, str]:
    """`base` (the caller's environment) over the plan's, so that what the user set is kept."""
    plain = {"PYTHONUNBUFFERED": "1", "RCUTILS_COLORIZED_OUTPUT": "0"}
    return {**plain, **node.environment, **base}


def make_fork_server(plan: Plan) -> ForkServer:
    """What starts the nodes of a plan: the one that has a head start, or a new one. A policy imports from now on."""
    server = begun() or ForkServer(node_environment(plan.nodes[0], os.environ))
    for node in plan.nodes:
        with suppress(SegueError):  # the checks say what is wrong with it
            if method := node.parameters.get("method"):
                script = str(executable_path(node.package, node.executable))
                server.ahead(script, (f"{node.package}.node.{node.executable}", _module(str(method))))
    return server


def _module(method: str) -> str:
    from segue_policies.method import find_method

    return find_method(method).policy.partition(":")[0]
