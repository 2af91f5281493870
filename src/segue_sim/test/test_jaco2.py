"""A six-joint arm with a three-fingered hand: it holds, reaches, grips, and solves its tasks."""

import numpy as np
import pytest
from driven_world import DrivenWorld, demonstrate

from segue_core.contracts.robot import RobotConfig
from segue_sim.episode import Episode
from segue_sim.grippers import Grippers
from segue_sim.testing import load_robot, load_task


@pytest.fixture(scope="module")
def robot() -> RobotConfig:
    return load_robot("jaco2")


@pytest.fixture(scope="module")
def world(robot: RobotConfig) -> Episode:
    return Episode(robot, load_task("place_block"), render=False)


def test_the_hand_hangs_on_the_arm_and_every_motor_has_its_joint(world: Episode, robot: RobotConfig) -> None:
    model, arm = world.model, robot.arms[0]
    driven = {model.joint(int(model.actuator_trnid[i, 0])).name for i in range(model.nu)}
    assert driven == {f"arm_{name}" for name in (*arm.joints, *arm.gripper.finger_joints)}
    hand = model.body("arm_hand_hand")
    assert model.body(int(hand.parentid[0])).name == "arm_b_6"


def test_home_is_held_against_gravity_and_points_down(world: Episode) -> None:
    world.reset(0)
    home = world.joint_positions()
    world.advance(2.0)
    assert np.abs(world.joint_positions() - home).max() < 1e-3
    assert np.abs(world.joint_velocities()).max() < 1e-3
    np.testing.assert_allclose(world.data.site("arm_tool").xmat.reshape(3, 3)[:, 2], (0, 0, -1), atol=1e-3)
    np.testing.assert_allclose(world.tool_position("arm"), (0.40, 0.0, 0.25), atol=1e-3)


@pytest.mark.parametrize(
    ("position", "yaw"),
    [
        ((0.36, 0.25, 0.03), 0.7),
        ((0.54, 0.0, 0.03), 0.0),
        ((0.36, -0.25, 0.30), -0.7),
        ((0.52, -0.24, 0.05), 1.4),
    ],
)
def test_the_tool_gets_to_every_corner_of_the_table(
    world: Episode, position: tuple[float, ...], yaw: float
) -> None:
    rig = DrivenWorld(world, 0)
    for _ in range(40):
        rig.tick(rig.action(position, yaw))
    np.testing.assert_allclose(world.tool_position("arm"), position, atol=2e-3)
    x_axis = world.data.site("arm_tool").xmat.reshape(3, 3)[:, 0]
    np.testing.assert_allclose(x_axis, (np.cos(yaw), np.sin(yaw), 0.0), atol=0.01)


def test_speeds_stay_below_what_the_real_joints_do(world: Episode, robot: RobotConfig) -> None:
    rig, fastest = DrivenWorld(world, 0), np.zeros(6)
    for _ in range(15):
        rig.tick(rig.action((0.50, 0.25, 0.10), 1.0))
        fastest = np.maximum(fastest, np.abs(world.joint_velocities()))
    assert fastest.max() > 0.4
    assert (fastest < 1.05 * np.array(robot.limits.velocity_rad_s)).all()


@pytest.mark.parametrize("opening", [0.0, 0.5, 1.0])
def test_three_fingers_go_to_the_opening_that_they_are_told(world: Episode, opening: float) -> None:
    world.reset(0)
    world.apply(world.joint_positions(), np.array([opening]))
    world.advance(1.5)
    np.testing.assert_allclose(world.gripper_positions(), opening, atol=0.01)
    np.testing.assert_allclose(list(world.commanded_openings().values()), opening, atol=1e-9)


def test_a_grip_holds_by_friction_and_does_not_creep(world: Episode) -> None:
    """Two fingers against the thumb: with equal motors and light joints they pushed it open by 1.6 mm/s."""
    rig = DrivenWorld(world, 4)
    at, yaw = world.object_position("block"), world.object_yaw("block")
    for _ in range(30):
        rig.tick(rig.action((at[0], at[1], 0.03), yaw, 0.75))
    for _ in range(10):
        rig.tick(rig.action((at[0], at[1], 0.03), yaw, 0.0))
    assert world.touched() == {"arm_gripper": "block"}
    for _ in range(15):
        rig.tick(rig.action((at[0], at[1], 0.15), yaw, 0.0))
    before = world.object_position("block") - world.tool_position("arm")
    assert before[2] > -0.02
    for _ in range(30):
        rig.tick(rig.action((at[0], at[1], 0.15), yaw, 0.0))
    assert np.linalg.norm(world.object_position("block") - world.tool_position("arm") - before) < 1e-3


def test_only_thumb_and_a_finger_together_hold(world: Episode, robot: RobotConfig) -> None:
    grippers, block = Grippers(world.model, robot), frozenset({world.model.body("block").id})
    thumb, first, second = (min(finger) for finger in grippers.fingers(0))

    def holding(*fingers: int) -> bool:
        return grippers.holding({(finger, body) for finger in fingers for body in block}, block) == [True]

    assert holding(thumb, second) and holding(thumb, first)
    assert not holding(first, second) and not holding(thumb)


@pytest.mark.parametrize(
    ("name", "seed"),
    [("place_block", 3), ("place_block", 4), ("place_carrot", 3), ("clean_table", 3), ("relocate_cup", 3)],
)
def test_the_expert_solves_the_task(robot: RobotConfig, name: str, seed: int) -> None:
    state = demonstrate(robot, load_task(name), seed)
    assert (state.success, state.score) == (True, 10.0), state.text
