"""A launch file declares the arguments that can make a difference to its nodes, and no others."""

import pytest

from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.usage import used_arguments

OTHER = {"stride": 17, "operator": "Ada", "seed": 5, "delay": 3, "jpeg_quality": 1, "view": True}


def test_the_whole_graph_uses_all_its_arguments() -> None:
    graph = load_graph()
    assert used_arguments(graph) == tuple(graph.arguments)


@pytest.mark.parametrize(
    ("nodes", "used", "unused"),
    [
        (
            ("recorder",),
            {"runs", "operator", "robot", "task", "record", "namespace"},
            {"stride", "seed", "view"},
        ),
        (
            ("policy",),
            {"policy", "checkpoint", "task", "robot", "sim", "collect"},
            {"stride", "runs", "view"},
        ),
        (("controller",), {"robot", "sim", "namespace"}, {"task", "policy", "delay"}),
        (("hardware",), {"hardware", "gazebo_files", "robot", "task"}, {"policy", "seed"}),
    ],
)
def test_a_part_of_the_graph_uses_what_its_nodes_refer_to(
    nodes: tuple[str, ...], used: set[str], unused: set[str]
) -> None:
    names = set(used_arguments(load_graph().only(nodes)))
    assert used <= names and not unused & names


@pytest.mark.parametrize("node", [node.name for node in load_graph().nodes])
def test_an_argument_that_is_not_declared_changes_nothing(node: str) -> None:
    part = load_graph().only((node,))
    names = used_arguments(part)
    given = {name: value for name, value in OTHER.items() if name in part.arguments and name not in names}
    wanted = {"teleop": "keyboard", "planned_moves": True} | ({"sim": "none"} if node == "cameras" else {})
    base = {name: value for name, value in wanted.items() if name in names}
    assert make_plan(part, {**base, **given}).nodes == make_plan(part, base).nodes
