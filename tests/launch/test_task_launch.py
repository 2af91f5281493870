"""The launch files against the real `launch`: arguments, nodes, a graph that comes up, and its clean end."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from own_domain import own_domain

pytest.importorskip("launch_ros", reason="launch_ros is part of a ROS 2 install, in no Python registry")
launch_pytest = pytest.importorskip("launch_pytest", reason="launch_pytest is part of a ROS 2 install")

import rclpy  # noqa: E402
from launch import LaunchContext, LaunchDescription  # noqa: E402
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch.utilities import perform_substitutions  # noqa: E402
from launch_ros.actions import Node  # noqa: E402
from lifecycle_msgs.srv import GetState  # noqa: E402

from segue_bringup.graph import load_graph  # noqa: E402
from segue_bringup.launching import launch_description  # noqa: E402
from segue_bringup.resolution import make_plan  # noqa: E402
from segue_core.errors import ConfigError  # noqa: E402

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
DOMAIN = str(own_domain())


def _started(description: LaunchDescription, **arguments: str) -> list[Node]:
    """The node actions that a description comes down to."""
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    return [
        action
        for entity in description.entities
        for action in entity.visit(context) or []
        if isinstance(action, Node)
    ]


@pytest.mark.parametrize("file", sorted(path.name for path in LAUNCH.glob("*.launch.py")))
def test_every_launch_file_declares_arguments_of_the_graph_and_only_those_it_uses(file: str) -> None:
    description = PythonLaunchDescriptionSource(str(LAUNCH / file)).get_launch_description(LaunchContext())
    declared = {entity.name for entity in description.entities if isinstance(entity, DeclareLaunchArgument)}
    assert declared <= set(load_graph().arguments)
    assert (declared == set(load_graph().arguments)) == (file in ("task.launch.py", "record.launch.py"))
    assert {"robot", "task"} <= declared


@pytest.mark.parametrize(("given", "start"), [("", "/"), ("left", "/left/"), ("/cell/left", "/cell/left/")])
def test_nodes_are_in_the_namespace_and_keep_their_names_in_the_launch_log(given: str, start: str) -> None:
    context = LaunchContext()
    for node in _started(launch_description("task"), policy="hold", namespace=given):
        node._perform_substitutions(context)
        label = perform_substitutions(context, node.process_description.name)
        assert node.node_name == start + label
        assert label in {each.name for each in load_graph().nodes}


def test_launch_starts_the_same_nodes_with_the_same_names_as_the_supervisor() -> None:
    nodes = _started(launch_description("task"), policy="hold")
    plan = make_plan(load_graph(), {"policy": "hold"})
    assert [node.node_package for node in nodes] == [node.package for node in plan.nodes]
    assert {node.package for node in plan.nodes} >= {
        "segue_sim",
        "segue_policies",
        "segue_scheduler",
        "segue_data",
    }


def test_an_unknown_name_is_refused_by_launch_with_the_valid_ones() -> None:
    with pytest.raises(RuntimeError, match=r"Valid options are: \[.*'pick_place'"):
        _started(launch_description("task"), task="pick_plac")


def test_a_value_out_of_range_is_refused_with_the_range() -> None:
    with pytest.raises(ConfigError, match="'stride'; got 0; expected 1 to 1024"):
        _started(launch_description("task"), stride="0")


def test_the_simulated_robot_alone_has_no_policy_and_no_scheduler() -> None:
    packages = {
        node.node_package for node in _started(launch_description("task", ("simulator", "controller")))
    }
    assert packages == {"segue_sim", "segue_control"}


@pytest.fixture
def domain() -> Iterator[None]:
    before = os.environ.get("ROS_DOMAIN_ID")
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    yield
    os.environ.pop("ROS_DOMAIN_ID") if before is None else os.environ.update(ROS_DOMAIN_ID=before)


@launch_pytest.fixture
def running_graph(domain: None, tmp_path: Path) -> LaunchDescription:
    source = PythonLaunchDescriptionSource(str(LAUNCH / "task.launch.py"))
    arguments = {"policy": "hold", "runs": str(tmp_path)}
    arguments |= {"latency": "8", "rule_options": "{stall: {window_s: 3.0}}"}  # texts that look like YAML
    include = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return LaunchDescription([include, launch_pytest.actions.ReadyToTest()])


def _spin_until(node: Any, condition: Callable[[], bool], limit_s: float = 120.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.1)
    return true


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.launch(fixture=running_graph)
def test_all_lifecycle_nodes_become_active_by_themselves() -> None:
    rclpy.init(domain_id=int(DOMAIN))
    node = rclpy.create_node("launch_test")
    try:
        for name in ("controller", "perception", "policy", "scheduler"):
            client = node.create_client(GetState, f"/{name}/get_state")

            def active(client: Any = client) -> bool:
                if not client.service_is_ready():
                    return False
                future = client.call_async(GetState.Request())
                rclpy.spin_until_future_complete(node, future, timeout_sec=5.0)
                answer: Any = future.result()
                return answer is not None and answer.current_state.label == "active"

            assert _spin_until(node, active), f"{name} is not active"
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
