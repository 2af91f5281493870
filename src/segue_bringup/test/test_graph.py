"""The graph description refuses what it does not know, and every reference in the shipped one resolves."""

from pathlib import Path

import pytest

from segue_bringup.arguments import resolve_arguments
from segue_bringup.catalogue import config_root
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.substitution import substitute
from segue_core.contracts.base import load_yaml
from segue_core.errors import ConfigError, ErrorCode

_GRAPH = """
description: test
arguments: {colour: {default: red, description: a colour, choices: [red, green]}}
nodes: [{name: one, package: p, executable: e, when: {colour: red}}]
"""


def _graph(text: str = _GRAPH) -> Graph:
    return load_yaml(text, Graph, "test.yaml")


def test_the_shipped_graph_resolves_with_its_defaults() -> None:
    plan = make_plan(load_graph(), {})
    assert {node.name for node in plan.nodes} >= {
        "simulator",
        "perception",
        "controller",
        "policy",
        "scheduler",
    }
    assert "${" not in str(plan)


def test_every_argument_of_the_shipped_graph_is_used() -> None:
    text = load_graph().model_dump_json(include={"nodes", "parameters", "derived", "namespace"})
    uses = ("${{{}", '"{}":', '"argument":"{}"')
    unused = [name for name in load_graph().arguments if not any(use.format(name) in text for use in uses)]
    assert unused == []


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"tsk": "x"}, ErrorCode.CONFIG_UNKNOWN_NAME, "did you mean 'task'"),
        ({"task": "pick_plac"}, ErrorCode.CONFIG_UNKNOWN_NAME, "did you mean 'pick_place'"),
        ({"task": "metaworld/drawer-open-v3"}, ErrorCode.CONFIG_CONFLICT, "lockstep only"),
        ({"robot": "toaster"}, ErrorCode.CONFIG_UNKNOWN_NAME, "dual_arm"),
        ({"policy": "legatto"}, ErrorCode.CONFIG_UNKNOWN_NAME, "legato"),
        ({"sim": "webots"}, ErrorCode.CONFIG_UNKNOWN_NAME, "mujoco"),
        ({"stride": "many"}, ErrorCode.CONFIG_INVALID_VALUE, "an integer"),
        ({"stride": "0"}, ErrorCode.CONFIG_INVALID_VALUE, "1 to 1024"),
        ({"view": "perhaps"}, ErrorCode.CONFIG_INVALID_VALUE, "true or false"),
        ({"real_time_factor": "nan"}, ErrorCode.CONFIG_INVALID_VALUE, "0 to 10"),
        ({"real_time_factor": "0.01"}, ErrorCode.CONFIG_INVALID_VALUE, "0.05 to 10"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_valid(
    given: dict[str, str], code: ErrorCode, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        make_plan(load_graph(), given)
    assert raised.value.code == code


def test_arguments_take_the_type_of_their_default() -> None:
    arguments = resolve_arguments(load_graph(), {"stride": "20", "record": "off", "real_time_factor": "2"})
    assert (arguments["stride"], arguments["record"], arguments["real_time_factor"]) == (20, False, 2.0)


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'executable'"):
        _graph(_GRAPH.replace("executable:", "executabel:"))


def test_a_condition_on_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'colour'"):
        _graph(_GRAPH.replace("when: {colour", "when: {color"))


def test_a_node_is_there_only_when_its_condition_holds() -> None:
    assert len(make_plan(_graph(), {}).nodes) == 1
    assert len(make_plan(_graph(), {"colour": "green"}).nodes) == 0


def test_a_graph_can_be_cut_down_to_some_nodes_but_not_to_unknown_ones() -> None:
    assert [node.name for node in load_graph().only(("simulator",)).nodes] == ["simulator"]
    with pytest.raises(ConfigError, match="did you mean 'simulator'"):
        load_graph().only(("simulatr",))


def test_a_lone_reference_keeps_its_type_and_an_embedded_one_becomes_text() -> None:
    values = {"n": 3, "robot": {"name": "arm", "path": "/r.yaml"}, "again": "${n}"}
    done = substitute(
        {"a": "${n}", "b": ["${robot}", "x${n}"], "c": "${robot.path}", "d": "${again}"}, values, "test"
    )
    assert done == {"a": 3, "b": ["arm", "x3"], "c": "/r.yaml", "d": 3}


@pytest.mark.parametrize("text", ["${nothing}", "${robot.nothing}"])
def test_a_reference_to_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="unknown reference 'nothing'"):
        substitute(text, {"robot": {"name": "arm"}}, "test")


def test_a_reference_to_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="leads back"):
        substitute("${a}", {"a": "${b}", "b": "${a}"}, "test")


def test_a_derived_value_follows_its_argument_and_covers_every_choice() -> None:
    text = _GRAPH + "derived: {fruit: {argument: colour, values: {red: cherry, green: pear}}}\n"
    text = text.replace("executable: e,", 'executable: e, parameters: {eats: "${fruit}"},')
    assert make_plan(_graph(text), {}).nodes[0].parameters == {"eats": "cherry"}
    with pytest.raises(ConfigError, match="'fruit' needs one value for each of: red, green"):
        _graph(text.replace(", green: pear", ""))


def test_without_a_simulator_there_is_the_robot_and_nobody_resets_the_world() -> None:
    plan = make_plan(load_graph(), {"sim": "none"})
    names = [node.name for node in plan.nodes]
    assert names[:2] == ["hardware", "cameras"] and "simulator" not in names
    assert {node.parameters["use_sim_time"] for node in plan.nodes} == {False}
    assert plan.node("scheduler").parameters["reset_service"] == ""


def test_a_policy_says_how_much_it_yields_to_the_controllers() -> None:
    """In simulation the expert simulates ahead and needs its share; a trained policy takes what is left."""

    def nice(policy: str) -> int:
        plan = make_plan(load_graph(), {"policy": policy})
        return next(node.nice for node in plan.nodes if node.name == "policy")

    assert nice("legato") == 5
    assert nice("scripted") == 2


def test_a_policy_has_lengths_of_its_own_with_its_own_continuation_unless_others_are_given() -> None:
    """ACT's ensembling asked every 30 ticks: two chunks at half weight each."""

    def lengths(**given: Scalar) -> tuple[object, object]:
        arguments = make_plan(load_graph(), given).arguments
        return arguments["stride"], arguments["delay"]

    assert lengths(policy="act") == (1, 1)
    assert lengths(policy="act", stride="3", delay="2") == (3, 2)
    assert lengths(policy="act", continuation="naive_async") == lengths(policy="legato") == (30, 8)


def test_a_policy_says_which_tasks_it_cannot_follow_in_real_time() -> None:
    def pace(**given: Scalar) -> object:
        return make_plan(load_graph(), given).node("simulator").parameters["real_time_factor"]

    assert pace(policy="scripted", task="drawer") == 1.0
    assert pace(policy="scripted", task="pour") == 0.25
    assert pace(policy="scripted", task="pour", real_time_factor="2") == 2.0
    assert pace(policy="hold", task="pour") == 1.0


@pytest.mark.parametrize(
    ("given", "urgent"),
    [
        ({}, set()),
        ({"clock": "wall"}, {"simulator", "controller", "scheduler"}),
        ({"sim": "none"}, {"hardware", "controller", "scheduler"}),
    ],
)
def test_what_may_not_be_late_is_urgent_where_nobody_waits_for_it(
    given: dict[str, str], urgent: set[str]
) -> None:
    plan = make_plan(load_graph(), {"policy": "hold", **given})
    assert {node.name for node in plan.nodes if node.urgent} == urgent


@pytest.mark.parametrize(("given", "stride"), [({}, 22), ({"delay": 4}, 26), ({"stride": 30}, 30)])
def test_the_usual_stride_leaves_the_delay_of_a_checkpoint_with_short_chunks(
    given: dict[str, int], stride: int, tmp_path: Path
) -> None:
    shipped = (config_root() / "checkpoints" / "flow_pick_place" / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(shipped.replace("\nhorizon: 60\n", "\nhorizon: 30\n"))
    said = {"policy": "flow", "continuation": "naive_async", "checkpoint": str(tmp_path)}
    assert make_plan(load_graph(), {**said, **given}).arguments["stride"] == stride
