"""Laws of the simulated world: real physics, real pictures."""

import numpy as np
import pytest

from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError
from segue_sim.disturbance import Disturbance
from segue_sim.episode import Episode


def test_the_arms_stay_where_they_are_told_to_stay(world: Episode) -> None:
    world.reset(3)
    home = world.joint_positions()
    world.advance(0.5)
    assert np.abs(world.joint_positions() - home).max() < 2e-3
    assert np.abs(world.joint_velocities()).max() < 1e-2


def test_home_points_the_tools_down(world: Episode, robot: RobotConfig) -> None:
    world.reset(0)
    for arm in robot.arms:
        axis = world.data.site(f"{arm.name}_tool").xmat.reshape(3, 3)[:, 2]
        assert axis @ np.array([0.0, 0.0, -1.0]) > 0.9999


def test_grippers_reach_the_opening_they_are_told(world: Episode) -> None:
    world.reset(0)
    world.apply(world.joint_positions(), np.array([0.0, 0.5]))
    world.advance(1.0)
    assert np.allclose(world.gripper_positions(), [0.0, 0.5], atol=0.03)


def test_the_same_seed_and_commands_give_the_same_motion(world: Episode) -> None:
    def play() -> np.ndarray:
        world.reset(5)
        world.apply(world.joint_positions() + 0.1, np.array([0.0, 1.0]))
        world.advance(0.5)
        return world.data.qpos.copy()

    assert np.array_equal(play(), play())


def test_ticks_follow_simulated_time(world: Episode, robot: RobotConfig) -> None:
    world.reset(0)
    for expected in range(1, 4):
        world.advance(1 / robot.tick_rate_hz)
        assert world.tick == expected
    assert np.isclose(world.time, 3 / robot.tick_rate_hz)


def test_a_new_episode_has_nothing_in_the_box(world: Episode, task: TaskConfig) -> None:
    world.reset(11)
    world.advance(0.1)
    state = world.task_state()
    assert (state.placed, state.total, state.success) == (0, len(task.objects), False)


def test_objects_put_over_the_box_fall_into_it_and_the_task_succeeds(
    world: Episode, task: TaskConfig
) -> None:
    world.reset(2)
    place = world.layout.fixtures["container"]
    for y, name in zip((-0.05, 0.0, 0.05), task.objects, strict=True):
        address = world.model.joint(name).qposadr[0]
        world.data.qpos[address : address + 3] = (place.x, place.y + y, 0.06)
    world.advance(1.5)
    assert world.task_state().success


def test_cameras_see_the_colours_that_the_seed_chose(robot: RobotConfig, task: TaskConfig) -> None:
    world = Episode(robot, task, seed=1)
    first = world.render()
    assert {name: image.shape for name, image in first.items()} == {
        name: (camera.height, camera.width, 3) for name, camera in robot.cameras.items()
    }
    assert all(image.std() > 5 for image in first.values())
    world.reset(2)
    assert np.abs(world.render()["head"].astype(int) - first["head"]).max() > 50
    world.close()


def test_a_disturbance_fades_while_the_work_is_precise(robot: RobotConfig) -> None:
    noise = Disturbance(robot.action_space, seed=0)
    action = np.zeros(robot.action_space.dim)
    free = [np.abs(noise.apply(action, precise=False)).max() for _ in range(200)]
    for _ in range(30):
        noise.apply(action, precise=True)
    assert max(free) > 0.01
    assert np.abs(noise.apply(action, precise=True)).max() < 1e-4


def test_a_snap_closes_an_open_gripper_for_a_moment_and_never_opens_one(robot: RobotConfig) -> None:
    space = robot.action_space
    grippers = [space.slice(f"{arm.name}_gripper").start for arm in robot.arms]
    noise = Disturbance(space, seed=0)
    opened, closed = np.zeros(space.dim), np.zeros(space.dim)
    opened[grippers] = 1.0
    executed = np.array([noise.apply(opened.copy(), precise=False)[grippers] for _ in range(1000)])
    assert set(np.unique(executed)) == {0.0, 1.0}
    assert executed.mean() > 0.85
    assert all((noise.apply(closed.copy(), precise=False)[grippers] == 0.0).all() for _ in range(100))


def test_an_episode_begins_in_the_pose_that_the_task_names(robot: RobotConfig, task: TaskConfig) -> None:
    task = task.model_copy(update={"start_pose": "aside"})
    world = Episode(robot, task, 0, render=False)
    np.testing.assert_allclose(world.joint_positions(), robot.pose_rad("aside"))
    assert world.joint_positions()[0] != robot.pose_rad("home")[0]
    with pytest.raises(
        ConfigError, match=r"unknown pose of robot 'dual_arm' 'nowhere'.*allowed: aside, home"
    ):
        Episode(robot, task.model_copy(update={"start_pose": "nowhere"}), 0, render=False)


def test_an_episode_does_not_begin_outside_of_the_workspace(robot: RobotConfig, task: TaskConfig) -> None:
    """The guard pulled the arm to the box with all speed, under the policy that only holds."""
    poses = {"away": (1.6, *robot.arms[0].home_rad[1:], *robot.arms[1].home_rad)}
    robot = robot.model_copy(update={"planning": PlanningConfig(poses=poses)})
    with pytest.raises(ConfigError, match="pose 'away' the tool of arm 'left' is outside of the workspace"):
        Episode(robot, task.model_copy(update={"start_pose": "away"}), 0, render=False)
