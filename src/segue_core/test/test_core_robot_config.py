"""The robot contract keeps its promises to what was recorded and trained before."""

from pathlib import Path
from typing import Any

import pytest

from segue_core.action_space import ACTION_SPACES, action_space
from segue_core.contracts.base import load_yaml, parse_model
from segue_core.contracts.controller import CONTROLLERS, Targets, fitting, kind_of, targets_of
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode

ROBOTS = Path(__file__).resolve().parents[3] / "config" / "robots"


def contract(name: str) -> RobotConfig:
    path = ROBOTS / f"{name}.yaml"
    return load_yaml(path.read_text(encoding="utf-8"), RobotConfig, path.name)


def test_new_fields_do_not_change_the_fingerprint_in_old_bags() -> None:
    """034f... is what every bag of `dual_arm` so far carries."""
    assert contract("dual_arm").fingerprint() == "034f8a4c2e9844f8"


def _changed(**fields: object) -> RobotConfig:
    data = contract("dual_arm").model_dump(mode="json", exclude_none=True) | fields
    return parse_model(data, RobotConfig, "test.yaml")


def test_a_robot_without_a_controller_section_has_the_one_it_always_had() -> None:
    control = contract("dual_arm").control
    assert (control.kind, control.streaming, control.interface) == ("cartesian_pose", "b_spline", "position")


def test_the_controller_and_its_gains_are_part_of_the_fingerprint() -> None:
    prints = {
        _changed(controller={"kind": "joint_velocity", "position_gain_per_s": gain}).fingerprint()
        for gain in (3.0, 4.0)
    }
    assert len(prints | {contract("dual_arm").fingerprint()}) == 3


def test_a_controller_that_does_not_understand_the_actions_is_refused_with_those_that_do() -> None:
    with pytest.raises(
        ConfigError,
        match="'joint_position' does not understand actions of 'dual_arm_ee'.*"
        "cartesian_pose, joint_velocity, cartesian_pd_velocity, cartesian_impedance",
    ):
        _changed(controller={"kind": "joint_position"})
    with pytest.raises(
        ConfigError, match="'cartesian_pose'.*'dual_arm_joints_7'.*joint_position, joint_velocity"
    ):
        _changed(action_space_name="dual_arm_joints_7")


def test_an_unknown_controller_or_gain_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="cartesian_impedance"):
        _changed(controller={"kind": "impedance"})
    with pytest.raises(ConfigError, match="position_gain_per_s"):
        _changed(controller={"kind": "joint_velocity", "position_gain": 3.0})


def test_actions_that_do_not_name_the_robot_s_arms_are_refused() -> None:
    with pytest.raises(ConfigError, match="'single_arm_ee' do not fit arm 'left'"):
        _changed(action_space_name="single_arm_ee")


def test_every_controller_fits_the_spaces_that_it_accepts() -> None:
    for name in ACTION_SPACES:
        space = action_space(name)
        names = {kind_of(kind) for kind in fitting(space)}
        assert names == {kind_of(kind) for kind in CONTROLLERS if targets_of(space) in kind.accepts}
    assert targets_of(action_space("single_arm_joints_6")) is Targets.JOINTS
    assert targets_of(action_space("universal_dual_arm")) is None


@pytest.mark.parametrize(
    "change", [{"tick_rate_hz": 31.0}, {"base_frame": "base"}, {"description": "another robot"}]
)
def test_any_field_changes_the_fingerprint(change: dict[str, object]) -> None:
    robot = contract("dual_arm")
    assert robot.model_copy(update=change).fingerprint() != robot.fingerprint()


def test_how_moves_are_planned_does_not_change_the_fingerprint() -> None:
    robot = contract("dual_arm")
    planning = PlanningConfig(poses={"ready": (0.1,) * 14}, velocity_share=0.2)
    changed = robot.model_copy(update={"planning": planning})
    assert changed.fingerprint() == robot.fingerprint()
    assert changed.pose_rad("ready") == (0.1,) * 14 and len(changed.pose_rad("home")) == 14
    with pytest.raises(ConfigError, match="'redy'.*did you mean 'ready'.*allowed: home, ready"):
        changed.pose_rad("redy")


def test_where_a_robot_is_reached_is_no_part_of_what_it_is() -> None:
    reached = contract("dual_arm").model_copy(update={"hardware": HardwareConfig(backend="ros2_control")})
    assert reached.fingerprint() == contract("dual_arm").fingerprint()


def _broken(place: str, value: object) -> ConfigError:
    """What is said about the contract of dual_arm with `value` at a dotted place."""
    data = contract("dual_arm").model_dump(mode="json", exclude_none=True)
    *path, last = place.split(".")
    part: Any = data
    for key in path:
        part = part[int(key) if key.isdigit() else key]
    part[int(last) if last.isdigit() else last] = value
    with pytest.raises(ConfigError) as caught:
        parse_model(data, RobotConfig, "test.yaml")
    return caught.value


FORBIDDEN: dict[str, tuple[object, ...]] = {
    "limits.velocity_rad_s.0": (1e30, 0.0, -1.0, 101.0, 1e-30, True),
    "limits.acceleration_rad_s2.0": (1e30, -1.0, 1e-6),
    "limits.jerk_rad_s3.0": (1e30, -1.0, 1e-6),
    "limits.position_margin_rad": (1e30, -0.1),
    "arms.0.torque_n_m.0": (-87.0, 0.0, 1e30, 1e-6),
    "arms.0.damping.0": (-1.0, 1e30),
    "arms.0.stiffness.0": (-1.0, 0.0, 1e30),
    "arms.0.home_rad.0": (1e30, -1e30),
    "arms.0.base_position.0": (1e30,),
    "arms.0.tool.position.0": (-1e30, 10.0),
    "arms.0.tool.quaternion": ([0.0, 0.0, 0.0, 0.0],),
    "arms.0.joints.1": ("joint1", ""),
    "arms.1.name": ("left", "a/b c", "2nd", ""),
    "arms": ([],),
    "workspace.low.0": (5.0,),
    "cameras.head.look_at": ([0.0, 0.0, 1e30],),
    "cameras.head.up": ([0.0, 0.0, 0.0],),
    "physics_step_s": (1e-300, 1.0),
    "tick_rate_hz": (1e-300, 1e30, True),
    "name": ("../x", "a\0b", "", ".", "x" * 1000),
    "base_frame": ("/base", "a b", "a//b", "ü", "a\0", "base\n", ""),
    "safety.command_timeout_s": (1e30, 1e-30, 60.0),
    "safety.state_timeout_s": (60.0,),
    "safety.robot_timeout_s": (60.0,),
    "safety.max_tool_step_m": (1e30,),
}


@pytest.mark.parametrize("place", FORBIDDEN)
def test_what_no_robot_can_be_is_refused_with_its_place(place: str) -> None:
    for value in FORBIDDEN[place]:
        error = _broken(place, value)
        assert error.code == ErrorCode.CONFIG_INVALID_VALUE
        assert error.text.startswith("test.yaml: ")


def test_a_camera_that_looks_at_itself_or_along_what_is_up_is_refused() -> None:
    head = contract("dual_arm").cameras["head"]
    above = [place + up for place, up in zip(head.position, head.up, strict=True)]
    for target in (list(head.position), above):
        assert "has no picture" in _broken("cameras.head.look_at", target).text


def test_an_unknown_action_space_is_refused_with_the_file() -> None:
    assert _broken("action_space_name", "ee").text.startswith("test.yaml: unknown action space 'ee'")


@pytest.mark.parametrize("name", ["a/../b", "ü x", "", "2nd", "front\n", "a" * 101])
def test_a_camera_is_called_what_a_topic_can_be_called(name: str) -> None:
    head = contract("dual_arm").cameras["head"].model_dump()
    error = _broken("cameras", {name: head})
    assert "allowed: at most 100 letters, digits and _, the first no digit" in error.text


def test_joints_that_take_minutes_to_stop_are_refused_with_their_numbers() -> None:
    limits = contract("dual_arm").limits.model_dump() | {"acceleration_rad_s2": [0.05] * 7}
    assert (
        "acceleration_rad_s2 0.05 and jerk_rad_s3 7500 takes 40 s to stop" in _broken("limits", limits).text
    )


def test_a_pose_s_name_is_a_word() -> None:
    assert "allowed: " in _broken("planning", {"poses": {"../x": [0.0] * 14}}).text
