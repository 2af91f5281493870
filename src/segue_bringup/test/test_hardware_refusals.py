"""A run is refused before anything starts when its robot, its cameras or its planner cannot work."""

from pathlib import Path

import pytest

from segue_bringup import gazebo_needs
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.refusals import (
    refuse_absent_device,
    refuse_before_start,
    refuse_planner,
    refuse_undescribed_hardware,
)
from segue_control.planning.choice import moveit_is_there
from segue_core.errors import ConfigError


def _refuse(**arguments: str) -> None:
    refuse_undescribed_hardware(make_plan(load_graph(), {"sim": "none", "policy": "hold", **arguments}))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hardware": "rehearsl"}, "did you mean 'rehearsal'"),
        ({"camera_set": "rehearsl"}, "did you mean 'rehearsal'"),
        ({}, "nothing says where the pictures of robot 'dual_arm' come from.*docs/hardware.md"),
        ({"hardware": "/nowhere/mine.yaml"}, "/nowhere/mine.yaml"),
    ],
)
def test_what_nobody_has_described_is_refused_with_what_there_is(
    arguments: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        _refuse(**arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hardware": "rehearsl"}, "did you mean 'rehearsal'"),
        ({"camera_set": "nope"}, "nope"),
        (
            {"hardware": "rehearsal"},
            "hardware:=rehearsal is for a robot that is no simulator's; got sim:=mujoco",
        ),
        ({"camera_set": "rehearsal"}, "camera_set:=rehearsal is for"),
    ],
)
def test_hardware_that_a_simulated_robot_does_not_have_is_refused(
    arguments: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        _refuse(sim="mujoco", **arguments)
    _refuse(sim="mujoco")


def test_a_camera_set_of_another_robot_is_refused_with_both(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("cameras: {head: {driver: topic}}")
    with pytest.raises(ConfigError, match="got head; expected head, left_wrist, right_wrist"):
        _refuse(camera_set=str(mine))


def test_the_rehearsal_robot_is_described() -> None:
    _refuse(hardware="rehearsal", camera_set="rehearsal")


@pytest.mark.parametrize(
    ("robot", "says"),
    [("dual_arm", "names no planning group for MoveIt"), ("franka", "apt install ros-.*-moveit-py")],
)
def test_moveit_is_refused_before_anything_starts_where_it_cannot_plan(robot: str, says: str) -> None:
    if robot == "franka" and moveit_is_there():
        pytest.skip("MoveIt is installed here")
    task = {"dual_arm": "pick_place", "franka": "reach_target"}[robot]
    given = {"policy": "hold", "robot": robot, "task": task, "planned_moves": True}
    refuse_planner(make_plan(load_graph(), given))
    refuse_planner(make_plan(load_graph(), {**given, "planned_moves": False, "planner": "moveit"}))
    with pytest.raises(ConfigError, match=says):
        refuse_planner(make_plan(load_graph(), {**given, "planner": "moveit"}))


def test_gazebo_that_is_not_here_or_was_not_started_is_refused_with_what_to_install_or_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run began, and ended with a file that a node could not read."""
    given = {"sim": "gazebo", "robot": "franka", "task": "open_drawer", "policy": "scripted"}
    plan = make_plan(load_graph(), {**given, "gazebo_files": str(tmp_path)})
    monkeypatch.setattr(gazebo_needs, "PACKAGES", ("segue_core", "gz_none"))
    with pytest.raises(ConfigError, match=r"not installed: gz_none\..*ros-gz.*sim:=mujoco"):
        refuse_before_start(plan)
    monkeypatch.setattr(gazebo_needs, "PACKAGES", ("segue_core",))
    with pytest.raises(ConfigError, match=r"not started.*gazebo\.launch\.py robot:=franka task:=open_drawer"):
        refuse_before_start(plan)
    (tmp_path / "hardware.yaml").touch()
    refuse_before_start(plan)


def test_a_gamepad_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The graph was started first, and a node said so after half a minute."""
    given = {"teleop": "gamepad", "robot": "franka", "task": "push_button", "policy": "hold"}
    with pytest.raises(ConfigError, match=r"input device .*/event9 cannot be read.*plugged in"):
        refuse_absent_device(make_plan(load_graph(), {**given, "teleop_device": str(tmp_path / "event9")}))
    (tmp_path / "event9").touch()
    refuse_absent_device(make_plan(load_graph(), {**given, "teleop_device": str(tmp_path / "event9")}))
    for other in ("keyboard", "leader", "none"):
        refuse_absent_device(make_plan(load_graph(), {**given, "teleop": other}))
