"""One word puts a whole graph under a namespace: names, parameters, lock, and nothing that is not a name."""

from pathlib import Path

import pytest
import yaml

from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.supervision.commands import node_command, write_parameters
from segue_bringup.supervision.instance import acquire_domain
from segue_core.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "name"), [("left", "/left"), ("/left/", "/left"), ("cell/left", "/cell/left")]
)
def test_every_node_and_its_parameters_are_under_the_namespace(tmp_path: Path, given: str, name: str) -> None:
    plan = make_plan(load_graph(), {"namespace": given})
    for node in plan.nodes:
        parameters = write_parameters(node, tmp_path)
        assert list(yaml.safe_load(parameters.read_text())) == [node.full_name] == [f"{name}/{node.name}"]
        command = node_command(node, parameters)
        assert f"__ns:={name}" in command and "/clock:=clock" in command
        assert node.ready.service is None or node.resolve(node.ready.service).startswith(f"{name}/")


def test_without_a_namespace_names_are_as_they_always_were(tmp_path: Path) -> None:
    plan = make_plan(load_graph(), {})
    assert [node.full_name for node in plan.nodes] == [f"/{node.name}" for node in plan.nodes]
    command = node_command(plan.nodes[0], write_parameters(plan.nodes[0], tmp_path))
    assert not [word for word in command if word.startswith(("__ns", "/clock"))]


@pytest.mark.parametrize("wrong", ["1left", "left arm", "left//right", "~left", "left-arm", "{left}"])
def test_what_ros_takes_for_no_namespace_is_refused_before_anything_starts(wrong: str) -> None:
    with pytest.raises(ConfigError, match="namespace"):
        make_plan(load_graph(), {"namespace": wrong})


def test_graphs_of_two_namespaces_share_a_domain_and_two_of_one_do_not() -> None:
    environment = {"ROS_DOMAIN_ID": "77"}
    left, right = acquire_domain(environment, "left"), acquire_domain(environment, "right")
    try:
        with pytest.raises(ConfigError, match="/left"):
            acquire_domain(environment, "left")
    finally:
        left.release()
        right.release()


def test_no_name_of_the_graphs_own_nodes_is_absolute() -> None:
    graph = load_graph()
    services = [node.ready.service for node in graph.nodes if node.ready.service]
    services += [str(value) for value in graph.derived["reset_service"].values.values() if value]
    assert services and not [name for name in services if name.startswith("/")]
