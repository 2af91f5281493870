"""Robots, tasks and policies that lie outside of the tree are found by name like the shipped ones."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from segue_bringup import catalogue
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.search import FILES, VARIABLE, config_files, name_of
from segue_core.errors import ConfigError
from segue_data.contracts import config_folder, load_robot, load_task, names, path_of
from segue_policies.training.command.arguments import parse

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a robot `mine`, its model file beside it, and its task `mine_lift`."""
    package = importlib.util.find_spec("mujoco_controllers")
    assert package and package.submodule_search_locations
    models = Path(package.submodule_search_locations[0]) / "mujoco_menagerie" / "franka_emika_panda"
    folder = tmp_path / "lab"
    (folder / "robots").mkdir(parents=True)
    (folder / "tasks").mkdir()
    shutil.copytree(models, folder / "robots" / "panda")
    robot = (SHIPPED / "robots" / "franka.yaml").read_text(encoding="utf-8")
    robot = robot.replace("name: franka", "name: mine").replace("  package: mujoco_controllers\n", "")
    robot = robot.replace("mujoco_menagerie/franka_emika_panda/", "panda/")
    (folder / "robots" / "mine.yaml").write_text(robot, encoding="utf-8")
    task = (SHIPPED / "tasks" / "pick_up_cup.yaml").read_text(encoding="utf-8")
    task = task.replace("name: pick_up_cup", "name: mine_lift").replace("robot: franka", "robot: mine")
    (folder / "tasks" / "mine_lift.yaml").write_text(task, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def test_an_own_robot_and_its_task_are_there_beside_the_shipped_ones(mine: Path) -> None:
    robot = load_robot("mine")
    assert Kinematics(robot).home.shape == (7,), "its model is the file beside it"
    assert load_task("mine_lift").robot == "mine"
    assert {"mine", "franka"} <= set(names("robots")) and {"mine", "franka"} <= set(catalogue.names("robots"))
    assert catalogue.path_of("robots", "mine") == path_of("robots", "mine") == mine / "robots" / "mine.yaml"
    assert catalogue.entry("tasks", "mine_lift")["robot"] == "mine"


def test_what_is_ones_own_comes_before_what_is_shipped_and_the_first_folder_before_the_next(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(mine, other)
    shutil.copy(SHIPPED / "robots" / "franka.yaml", mine / "robots" / "franka.yaml")
    monkeypatch.setenv(VARIABLE, os.pathsep.join((str(mine), str(other))))
    assert path_of("robots", "franka") == mine / "robots" / "franka.yaml"
    assert path_of("robots", "mine") == mine / "robots" / "mine.yaml"


def test_the_working_folder_s_config_is_searched_too_and_hides_nothing(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    mine.rename(tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    assert {"mine", "franka", "so100"} <= set(names("robots"))
    assert config_folder().samefile(SHIPPED)


def test_a_configuration_that_is_named_is_not_overruled_by_one_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the workspace itself `SEGUE_CONFIG_DIR` changed no robot and no task: `./config` came first."""
    for folder in ("config", "named"):
        (tmp_path / folder / "robots").mkdir(parents=True)
        (tmp_path / folder / "robots" / "arm.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert config_files("robots", tmp_path / "named")["arm"] == tmp_path / "config/robots/arm.yaml"
    monkeypatch.setenv("SEGUE_CONFIG_DIR", str(tmp_path / "named"))
    assert config_files("robots", tmp_path / "named")["arm"] == tmp_path / "named/robots/arm.yaml"


def test_an_own_training_is_found_by_name_and_comes_before_a_shipped_one(mine: Path) -> None:
    (mine / "training").mkdir()
    own = "method: act\nhorizon: 12\n"
    for name in ("act_mine_lift", "legato_pick_place", "fast"):
        (mine / "training" / f"{name}.yaml").write_text(own)
    assert {"fast", "legato_pick_place"} <= set(names("training"))
    for words in ("fast", "act task=mine_lift", "legato_pick_place"):
        given = parse([*words.split(), "data=d"], SHIPPED / "training")
        assert given.settings["horizon"] == 12, words
    shipped = parse(["legato", "task=pick_place", "data=d"], SHIPPED / "training")
    assert shipped.settings["horizon"] == 12, "the file of that name is one's own, too"
    with pytest.raises(ConfigError, match="'fst'.*did you mean 'fast'"):
        parse(["fst", "data=d"], SHIPPED / "training")


def test_only_ones_own_kinds_of_files_are_searched(mine: Path) -> None:
    (mine / "graph").mkdir()
    (mine / "graph" / "task.yaml").write_text("nonsense: true\n")
    assert catalogue.path_of("graph", "task").parent != mine / "graph"


def test_a_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere/lab")
    with pytest.raises(ConfigError, match="SEGUE_CONFIG_PATH .* not there.*/nowhere/lab"):
        names("robots")


@pytest.fixture
def named(mine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, which nothing names, and no file named so far."""
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv(FILES, "")
    return mine


def test_a_file_that_is_named_is_the_one_of_its_name_from_then_on(named: Path) -> None:
    """`robot:=/lab/mine.yaml` passed the first check as a file and was refused by the next as an unknown name."""
    robot, task = named / "robots" / "mine.yaml", named / "tasks" / "mine_lift.yaml"
    given = {"robot": str(robot), "task": str(task), "policy": "hold"}
    plan = make_plan(load_graph(), given)
    assert (plan.arguments["robot"], plan.arguments["task"]) == ("mine", "mine_lift")
    assert plan.node("simulator").parameters["task_file"] == str(task)
    assert plan.node("controller").parameters["robot_file"] == str(robot)
    assert load_task("mine_lift").robot == "mine" and {"mine", "franka"} <= set(names("robots"))


def test_a_policy_that_is_a_file_is_started_by_its_method(named: Path) -> None:
    file = named / "calm.yaml"
    file.write_text("name: calm\nmethod: hold\n")
    parameters = make_plan(load_graph(), {"policy": str(file)}).node("policy").parameters
    assert parameters["method"] == "hold"


def test_a_file_that_is_not_there_is_named(named: Path) -> None:
    with pytest.raises(ConfigError, match="no such file.*nowhere.yaml"):
        name_of("robots", str(named / "nowhere.yaml"))


def test_two_files_of_one_name_are_refused(named: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    assert name_of("robots", str(named / "robots" / "mine.yaml")) == "mine"
    with pytest.raises(ConfigError, match="two files of robots are called mine"):
        name_of("robots", str(tmp_path / "mine.yaml"))
