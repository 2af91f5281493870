"""A launch file declares the arguments that can make a difference to its nodes, and no others."""

from pathlib import Path
from typing import Any

import pytest

from segue_bringup import cli
from segue_bringup.arguments import given_arguments
from segue_bringup.catalogue import names
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run import move, replay
from segue_bringup.usage import say_unused, used_arguments
from segue_bringup.verbs import VERBS
from segue_core.command_line.verb import Chosen, choose
from segue_core.errors import ConfigError, ErrorCode
from segue_data.bags.manifest import Manifest

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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["delay:=4", "stride:=20"], []),
        (["hardware:=rehearsal", "sim:=none"], []),
        (["hardware:=rehearsal"], ["hardware"]),
        (["planner:=moveit", "policy:=hold", "teleop_device:=/dev/null"], ["planner", "teleop_device"]),
    ],
)
def test_an_argument_that_makes_no_difference_to_a_run_is_named(
    words: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    graph, given = load_graph(), dict(word.split(":=") for word in words)
    say_unused(graph, make_plan(graph, given), given, ())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":=")[0].removeprefix("segue: ") for line in lines] == said


@pytest.mark.parametrize("command", ["gazebo", "moveit", "views"])
def test_commands_that_write_files_name_the_arguments_that_they_do_not_use(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, "robot:=franka", "task:=reach_target", "delay:=4", "--out", str(tmp_path)]
    assert cli.main(words) == 0
    said = capsys.readouterr().err
    assert "delay:= makes no difference here" in said and "robot:= makes" not in said


def test_moveit_files_of_a_robot_without_a_group_are_refused_with_the_robots_that_have_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default robot has none, and the advice was about another command."""
    assert cli.main(["moveit", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "take one that does (robot:=franka)" in said and "built_in" not in said


def _parsed(*words: str) -> Any:
    chosen = choose(words, VERBS)
    assert isinstance(chosen, Chosen)
    return chosen.options(names)


def test_two_spellings_that_say_different_things_are_refused() -> None:
    here = str(Path("here").absolute())
    agreed = _parsed("run", "runs:=here", "--out", here, "seed:=7", "--seed", "7")
    assert agreed.launch == {"runs": here, "seed": 7}
    for words in (("runs:=here", "--out", "there"), ("seed=7", "--seed", "8")):
        with pytest.raises(ConfigError, match="say different things of") as caught:
            _parsed("run", *words)
        assert caught.value.code == ErrorCode.CONFIG_CONFLICT


def test_a_robot_alone_does_the_first_of_its_tasks_that_its_policy_has_learned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`segue run robot:=franka` was refused: the default task is another robot's; then for want of a checkpoint."""
    graph = load_graph()
    assert given_arguments(graph, {"robot": "franka"}) == {"robot": "franka", "task": "push_button"}
    assert (
        "push_button, for which there is a checkpoint of legato (also: open_drawer" in capsys.readouterr().err
    )
    assert given_arguments(graph, {"robot": "franka", "policy": "scripted"})["task"] == "open_drawer"
    assert "open_drawer, its first task (also: pick_up_cup, push_button" in capsys.readouterr().err
    assert given_arguments(graph, {"robot": "dual_arm"})["task"] == "pick_place"  # the usual one is for it
    assert given_arguments(graph, {"robot": "franka", "task": "take_lid"})["task"] == "take_lid"
    assert given_arguments(graph, {"robot": "franka"}, {"task": "take_lid"})["task"] == "take_lid"


def test_a_policy_alone_does_what_it_was_trained_for(capsys: pytest.CaptureFixture[str]) -> None:
    """`segue run policy:=act` was refused: for the default task there is no checkpoint of it."""
    graph = load_graph()
    given = given_arguments(graph, {"policy": "act"})
    assert given == {"policy": "act", "task": "push_button", "robot": "franka"}
    assert "policy act does push_button, for which there is a checkpoint" in capsys.readouterr().err
    for usual in ({"policy": "flow"}, {"policy": "scripted"}, {"policy": "act", "checkpoint": "mine"}):
        assert given_arguments(graph, usual) == usual  # flow has learned the usual task
    assert capsys.readouterr().err == ""


def test_what_a_command_sets_itself_is_not_taken_from_an_argument() -> None:
    for words in (["record:=true"], ["planned_moves:=off"]):
        with pytest.raises(ConfigError, match="this command says"):
            move._plan(_parsed("move", "home", *words))
    assert move._plan(_parsed("move", "home", "record:=no")).arguments["record"] is False


def test_a_replay_is_kept_where_it_was_asked_for(tmp_path: Path) -> None:
    """`runs:=` was taken without a word, and the replay went to runs/."""
    graph, recorded = load_graph(), Manifest(task="pick_place", robot="dual_arm")
    for words in ((f"runs:={tmp_path}",), ("--out", str(tmp_path))):
        given = replay._given(_parsed("replay", "bag", *words), graph, recorded)
        assert make_plan(graph, given).arguments["runs"] == str(tmp_path)
    with pytest.raises(ConfigError, match="this command says episodes:=1"):
        replay._given(_parsed("replay", "bag", "episodes:=3"), graph, recorded)
