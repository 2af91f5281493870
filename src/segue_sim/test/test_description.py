"""Frames, cameras and calibration of every robot agree with what its simulated twin is and sees."""

import math
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray
from urdf_joints import moving_joints

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, SchedulerError
from segue_sim.description.chunk_path import ChunkPaths
from segue_sim.description.tree import FrameTree, TreeFrame
from segue_sim.description.urdf import description

ROBOTS = sorted((Path(__file__).parents[3] / "config" / "robots").glob("*.yaml"))
_RADIUS, _DISTANCE_M = 0.04, 0.12  # of the ball that is looked at: its radius is this part of its distance


@cache
def _robot(path: Path) -> RobotConfig:
    return load_yaml(path.read_text(), RobotConfig, str(path))


@pytest.fixture(params=ROBOTS, ids=lambda path: path.stem)
def robot(request: pytest.FixtureRequest) -> RobotConfig:
    return _robot(request.param)


@pytest.fixture
def tree(robot: RobotConfig, tmp_path: Path) -> FrameTree:
    return FrameTree(description(robot, tmp_path))


def _in_world(frames: tuple[TreeFrame, ...], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position (3,) and rotation (3, 3) of a frame in the root of the tree."""
    of = {frame.child: frame for frame in frames}
    position, rotation = np.zeros(3), np.eye(3)
    while name in of:
        frame = of[name]
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, np.array(frame.quaternion))
        rotation = turn.reshape(3, 3) @ rotation
        position = frame.position + turn.reshape(3, 3) @ position
        name = frame.parent
    assert name == "world", f"the tree ends at {name}"
    return position, rotation


def _positions(robot: RobotConfig, rng: np.random.Generator) -> dict[str, float]:
    """Arms somewhere near home, every gripper at its own opening."""
    home = robot.pose_rad("home")
    joints = dict(zip(robot.joint_names, np.add(home, rng.uniform(-0.3, 0.3, len(home))), strict=True))
    openings = rng.uniform(0.0, 1.0, len(robot.arms))
    return {**joints, **dict(zip(robot.finger_names, robot.fingers(openings), strict=True))}


def test_every_link_is_where_the_simulated_robots_body_is(robot: RobotConfig, tree: FrameTree) -> None:
    model = robot_spec(robot).compile()
    data = mujoco.MjData(model)
    positions = _positions(robot, np.random.default_rng(3))
    for arm in robot.arms:
        for held in arm.held or ():
            positions[f"{arm.name}_{held.joint}"] = held.position
    for name, value in positions.items():
        data.joint(name).qpos[0] = value
    mujoco.mj_kinematics(model, data)
    frames = tree.fixed() + tree.moving(positions)
    for arm in robot.arms:
        names = {f"{arm.name}_{arm.tool.body}"} | {
            model.body(model.joint(name).bodyid[0]).name
            for name in (*arm.joint_names(), *_fingers(robot, arm.name))
        }
        for name in names & {frame.child for frame in frames}:
            position, rotation = _in_world(frames, name)
            np.testing.assert_allclose(position, data.body(name).xpos, atol=1e-6)
            np.testing.assert_allclose(rotation.flatten(), data.body(name).xmat, atol=1e-6)


def _fingers(robot: RobotConfig, arm: str) -> list[str]:
    return [name for name in robot.finger_names if name.startswith(f"{arm}_")]


def test_the_tool_frame_is_the_tool_that_actions_speak_of(robot: RobotConfig, tree: FrameTree) -> None:
    positions = _positions(robot, np.random.default_rng(4))
    frames = tree.fixed() + tree.moving(positions)
    poses = Kinematics(robot).poses(np.array([positions[name] for name in robot.joint_names]))
    base = _in_world(frames, robot.base_frame)[0]
    for index, arm in enumerate(robot.arms):
        np.testing.assert_allclose(
            _in_world(frames, f"{arm.name}_tool")[0] - base, poses.positions[index], atol=1e-6
        )


def test_moving_joints_are_those_of_joint_states_and_grippers_are_in_metres_or_radians(
    robot: RobotConfig, tree: FrameTree, tmp_path: Path
) -> None:
    moving = moving_joints(description(robot, tmp_path))
    assert set(robot.joint_names) <= moving
    leaders = {f"{arm.name}_{arm.gripper.finger_joints[0]}" for arm in robot.arms}
    assert leaders <= moving & set(robot.finger_names)
    opened = robot.fingers([1.0] * len(robot.arms))
    assert opened == pytest.approx([value for arm in robot.arms for value in arm.gripper.opened])
    assert moving <= {*robot.joint_names, *robot.finger_names}, "joint_states tell all"
    assert not tree.moving({}), "a frame whose joint nobody told is nowhere"


def test_a_point_in_the_world_is_where_camera_info_and_the_frames_say_in_the_picture(
    robot: RobotConfig, tree: FrameTree
) -> None:
    pytest.importorskip("sensor_msgs", reason="needs ROS 2")
    from builtin_interfaces.msg import Time

    from segue_perception.node.camera_messages import camera_info as real_info
    from segue_perception.node.camera_messages import ideal
    from segue_sim.node.sensor_messages import camera_info

    positions = _positions(robot, np.random.default_rng(5))
    spec = robot_spec(robot)
    ball = spec.worldbody.add_body(name="looked_at", mocap=True)
    ball.add_geom(name="looked_at", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[_RADIUS * _DISTANCE_M, 0, 0])
    spec.visual.map.znear = 0.001
    model = spec.compile()
    data = mujoco.MjData(model)
    for arm in robot.arms:
        for held in arm.held or ():
            data.joint(f"{arm.name}_{held.joint}").qpos[0] = held.position
    for name, value in positions.items():
        data.joint(name).qpos[0] = value
    frames = tree.fixed() + tree.moving(positions)
    for name, camera in robot.cameras.items():
        info = camera_info("frame", camera, Time())
        real = real_info("frame", (camera.width, camera.height), ideal(camera), Time())
        assert list(real.k) == list(info.k) and list(real.p) == list(info.p)
        origin, rotation = _in_world(frames, f"{name}_camera_optical_frame")
        aim = np.array([0.21, -0.13, 1.0])  # right of the middle and above it
        data.mocap_pos[0] = origin + _DISTANCE_M * rotation @ aim
        mujoco.mj_forward(model, data)
        seen = _centre(model, data, name, (camera.height, camera.width))
        k = np.array(info.k).reshape(3, 3)
        np.testing.assert_allclose(seen, (k @ aim)[:2], atol=0.25, err_msg=name)


def _centre(
    model: mujoco.MjModel, data: mujoco.MjData, camera: str, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Middle (column, row) of the ball in a picture; pixel centres are whole numbers."""
    with mujoco.Renderer(model, *size) as renderer:
        renderer.enable_segmentation_rendering()
        renderer.update_scene(data, camera=camera)
        found = renderer.render()[..., 0] == model.geom("looked_at").id
    rows, columns = np.nonzero(found)
    assert len(rows) > 3, f"{camera} does not see the ball"
    return np.array([columns.mean(), rows.mean()])


def test_the_path_of_a_chunk_is_where_its_rows_take_the_tools(robot: RobotConfig) -> None:
    kinematics, paths = Kinematics(robot), ChunkPaths(robot)
    q = np.array(robot.pose_rad("home"))
    openings = np.linspace(0.2, 0.8, len(robot.arms))
    row = kinematics.forward(q, openings)
    found = paths.of(np.stack([row] * 5))
    assert [path.arm for path in found] == [arm.name for arm in robot.arms]
    for index, path in enumerate(found):
        expected = kinematics.poses(q).positions[index]
        np.testing.assert_allclose(path.points, np.tile(expected, (5, 1)), atol=1e-9)
        np.testing.assert_allclose(path.openings, openings[index])
    with pytest.raises(SchedulerError):
        paths.of(np.full((5, len(row)), math.nan))


def test_a_joint_that_tf_cannot_say_is_refused_with_its_name() -> None:
    with pytest.raises(ConfigError, match="'ball_joint'"):
        FrameTree('<robot name="r"><joint name="ball_joint" type="floating"/></robot>')
