"""Gazebo's files say the same as the contract and the MuJoCo world, read back by parsers that nobody here wrote."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from xml.etree import ElementTree as xml

import mujoco
import numpy as np
import pytest
import yaml
from urdf_joints import moving_joints

from segue_control.hardware.settings import TopicOptions
from segue_control.robot.model import robot_spec
from segue_core.contracts.base import load_yaml
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.description.tree import FrameTree
from segue_sim.description.urdf import description
from segue_sim.gazebo.cameras import camera_pose, horizontal_fov_rad
from segue_sim.gazebo.geometry import Pose
from segue_sim.gazebo.write import GazeboFiles, write_gazebo

CONFIG = Path(__file__).parents[3] / "config"
# What ros_gz_bridge's configuration may have (ros_gz_bridge/src/bridge_config.cpp, branch ros2).
BRIDGE_KEYS = {"topic_name", "ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
BRIDGE_TYPES = {  # ros_gz_bridge/README.md
    "rosgraph_msgs/msg/Clock": "gz.msgs.Clock",
    "sensor_msgs/msg/Image": "gz.msgs.Image",
    "sensor_msgs/msg/CameraInfo": "gz.msgs.CameraInfo",
}


@dataclass(frozen=True)
class Made:
    """A robot at one of its tasks, and the files."""

    robot: RobotConfig
    files: GazeboFiles
    urdf: xml.Element
    world: xml.Element
    read: mujoco.MjModel  # the URDF through MuJoCo's own parser
    ours: mujoco.MjModel


def _a_task_of(robot: str) -> TaskConfig:
    tasks = sorted((CONFIG / "tasks").glob("*.yaml"))
    path = next(p for p in tasks if yaml.safe_load(p.read_text(encoding="utf-8"))["robot"] == robot)
    return load_yaml(path.read_text(encoding="utf-8"), TaskConfig, path.name)


@pytest.fixture(scope="module", params=sorted((CONFIG / "robots").glob("*.yaml")), ids=lambda path: path.stem)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    robot = load_yaml(request.param.read_text(encoding="utf-8"), RobotConfig, request.param.name)
    files = write_gazebo(robot, _a_task_of(robot.name), 1, tmp_path_factory.mktemp(robot.name))
    urdf = xml.parse(files.robot).getroot()
    world = xml.parse(files.world).getroot()
    return Made(robot, files, urdf, world, _read_back(urdf), robot_spec(robot).compile())


def _read_back(description: xml.Element) -> mujoco.MjModel:
    """All links of the URDF, shapes left out."""
    urdf = xml.fromstring(xml.tostring(description))
    for link in urdf.iter("link"):
        for tag in ("visual", "collision"):
            for shape in link.findall(tag):
                link.remove(shape)
    settings = {"fusestatic": "false", "discardvisual": "false", "balanceinertia": "true"}
    xml.SubElement(xml.SubElement(urdf, "mujoco"), "compiler", settings)
    return mujoco.MjModel.from_xml_string(xml.tostring(urdf, encoding="unicode"))


def _placed(robot: RobotConfig, model: mujoco.MjModel, q: np.ndarray) -> mujoco.MjData:
    data = mujoco.MjData(model)
    for arm in robot.arms:
        for held in arm.held or ():
            if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, f"{arm.name}_{held.joint}") >= 0:
                data.joint(f"{arm.name}_{held.joint}").qpos[0] = held.position
    for name, angle in zip(robot.joint_names, q, strict=True):
        data.joint(name).qpos[0] = angle
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
    return data


def test_every_link_of_the_urdf_is_where_the_simulated_body_is_in_any_pose(made: Made) -> None:
    read, ours = made.read, made.ours
    rng = np.random.default_rng(3)
    for _ in range(5):
        q = np.array(made.robot.pose_rad("home")) + rng.uniform(-0.3, 0.3, len(made.robot.joint_names))
        there, here = _placed(made.robot, read, q), _placed(made.robot, ours, q)
        for arm in made.robot.arms:
            for body in (f"{arm.name}_{arm.tool.body}", f"{arm.name}_{arm.root}"):
                np.testing.assert_allclose(there.body(body).xpos, here.body(body).xpos, atol=1e-6)
                np.testing.assert_allclose(there.body(body).xmat, here.body(body).xmat, atol=1e-6)


def test_gazebos_robot_state_publisher_tells_the_frames_that_ours_does(made: Made, tmp_path: Path) -> None:
    """Run with the real one (docs/adr/0011): it tells the frames of the joints of the URDF that it is given."""
    urdfs = made.files.robot.read_text(), description(made.robot, tmp_path)
    theirs, ours = map(FrameTree, urdfs)
    assert theirs.fixed() == ours.fixed()
    assert moving_joints(urdfs[0]) == moving_joints(urdfs[1])
    positions = dict.fromkeys(moving_joints(urdfs[1]), 0.1)
    assert theirs.moving(positions) == ours.moving(positions)


def test_joint_limits_and_masses_survive(made: Made) -> None:
    read, ours = made.read, made.ours
    for name in made.robot.joint_names:
        if ours.joint(name).limited:
            np.testing.assert_allclose(read.joint(name).range, ours.joint(name).range, atol=1e-8)
    assert read.body_mass.sum() == pytest.approx(ours.body_mass.sum(), abs=0.05)


def test_the_urdf_weighs_and_turns_like_the_simulated_robot(made: Made) -> None:
    """Mass matrix over the arms' joints; readers that forget how an inertia is turned were off by a sixth."""
    matrices = []
    for model in (made.read, made.ours):
        model.dof_armature[:] = 0  # URDF has none
        data = _placed(made.robot, model, np.array(made.robot.pose_rad("home")))
        mujoco.mj_forward(model, data)
        whole = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, whole, data.qM)
        arms = [int(model.joint(name).dofadr[0]) for name in made.robot.joint_names]
        matrices.append(whole[np.ix_(arms, arms)])
    read, ours = matrices
    np.testing.assert_allclose(read, ours, rtol=0.02, atol=0.002 * ours.max())  # a gram for each camera


def test_joints_of_the_urdf_resist_as_the_simulated_ones(made: Made) -> None:
    read, ours = made.read, made.ours
    for joint in range(read.njnt):
        name, dof = str(read.joint(joint).name), int(read.jnt_dofadr[joint])
        mine = int(ours.joint(name).dofadr[0])
        assert read.dof_damping[dof] == pytest.approx(ours.dof_damping[mine]), name
        assert read.dof_frictionloss[dof] == pytest.approx(ours.dof_frictionloss[mine]), name
    weightless = {str(ours.body(body).name) for body in np.flatnonzero(ours.body_gravcomp == 1)}
    told = {e.get("reference") for e in made.urdf.findall("gazebo") if e.findtext("turnGravityOff") == "true"}
    assert told == weightless


def test_every_camera_looks_where_the_simulated_one_does(made: Made) -> None:
    read, ours = made.read, made.ours
    home = np.array(made.robot.pose_rad("home"))
    there, here = _placed(made.robot, read, home), _placed(made.robot, ours, home)
    for name in made.robot.cameras:
        optical = there.body(f"{name}_camera_optical_frame")
        np.testing.assert_allclose(optical.xpos, here.camera(name).xpos, atol=1e-6)
        flipped = here.camera(name).xmat.reshape(3, 3) * [1.0, -1.0, -1.0]  # MuJoCo looks along -z with y up
        np.testing.assert_allclose(optical.xmat.reshape(3, 3), flipped, atol=1e-6)


def test_sensors_have_size_angle_rate_topics_and_frame_of_the_contract(made: Made) -> None:
    sensors = {sensor.get("name"): sensor for sensor in made.urdf.iter("sensor")}
    assert set(sensors) == {f"{name}_camera" for name in made.robot.cameras}
    for name, camera in made.robot.cameras.items():
        sensor, lens = sensors[f"{name}_camera"], sensors[f"{name}_camera"].find("camera")
        assert lens is not None
        assert float(sensor.findtext("update_rate", "")) == camera.rate_hz
        assert sensor.findtext("topic") == f"/{name}_camera/image_raw"
        assert lens.findtext("camera_info_topic") == f"/{name}_camera/camera_info"
        assert lens.findtext("optical_frame_id") == f"{name}_camera_optical_frame"
        assert (lens.findtext("image/width"), lens.findtext("image/height")) == (
            str(camera.width),
            str(camera.height),
        )
        fy = camera.height / 2 / np.tan(np.radians(camera.fovy_deg) / 2)
        assert camera.width / 2 / np.tan(horizontal_fov_rad(camera) / 2) == pytest.approx(fy)


def test_the_bridge_has_the_topics_of_the_simulator_and_keys_and_types_that_it_knows(made: Made) -> None:
    entries = yaml.safe_load(made.files.bridge.read_text())
    expected = {"/gazebo_clock"}
    for name in made.robot.cameras:
        expected |= {f"/{name}_camera/image_raw", f"/{name}_camera/camera_info"}
    assert {entry["ros_topic_name"] for entry in entries} == expected
    for entry in entries:
        assert set(entry) <= BRIDGE_KEYS and entry["direction"] == "GZ_TO_ROS"
        assert BRIDGE_TYPES[entry["ros_type_name"]] == entry["gz_type_name"]


def test_clock_comes_once_per_controller_update(made: Made) -> None:
    """Nothing in the graph needs the time more often; at every physics step it costs a core."""
    step_s = float(made.world.findtext("world/physics/max_step_size", "nan"))
    assert made.files.steps_per_clock * step_s == pytest.approx(1 / made.robot.control_rate_hz)


def test_controllers_command_exactly_the_joints_that_ros2_control_offers(made: Made) -> None:
    parameters = yaml.safe_load(made.files.controller_parameters.read_text())
    offered = {
        joint.get("name")
        for joint in made.urdf.findall("ros2_control/joint")
        if joint.find("command_interface") is not None
    }
    commanded = [
        joint
        for name in made.files.controllers[1:]
        for joint in parameters[name]["ros__parameters"]["joints"]
    ]
    assert set(commanded) == offered and len(commanded) == len(offered)
    assert parameters["arm_controller"]["ros__parameters"]["joints"] == list(made.robot.joint_names)
    manager = parameters["controller_manager"]["ros__parameters"]
    assert manager["update_rate"] == made.robot.control_rate_hz
    assert (
        set(made.files.controllers)
        == set(manager) - {"update_rate"}
        == set(parameters) - {"controller_manager"}
    )
    known = {joint.get("name") for joint in made.urdf.findall("joint")}
    assert {joint.get("name") for joint in made.urdf.findall("ros2_control/joint")} <= known


def test_the_hardware_node_takes_its_settings_and_knows_every_gripper(made: Made) -> None:
    text = made.files.hardware.read_text()
    options = TopicOptions.model_validate(load_yaml(text, HardwareConfig, "hardware.yaml").options)
    assert set(options.grippers) == set(made.robot.gripper_names)
    for gripper in options.grippers.values():
        assert gripper.command.topic.removesuffix("/commands").lstrip("/") in made.files.controllers


def test_fingers_open_and_close_together(made: Made) -> None:
    joints = {joint.get("name"): joint for joint in made.urdf.findall("joint")}
    for arm in made.robot.arms:
        first, *others = arm.gripper.finger_joints
        for index, finger in enumerate(others, start=1):
            mimic = joints[f"{arm.name}_{finger}"].find("mimic")
            assert mimic is not None and mimic.get("joint") == f"{arm.name}_{first}"
            factor, offset = float(mimic.get("multiplier", "")), float(mimic.get("offset", ""))
            for ends in (arm.gripper.opened, arm.gripper.closed):
                assert factor * ends[0] + offset == pytest.approx(ends[index])


def test_names_in_the_world_are_unique_where_gazebo_wants_them_to_be_and_meshes_exist(made: Made) -> None:
    """Gazebo keeps links and joints of a model in one list; a link called `world` is refused."""
    for model in made.world.iter("model"):
        names = [child.get("name") for child in model if child.tag in ("link", "joint")]
        assert len(names) == len(set(names)) and "world" not in names, model.get("name")
    uris = [uri.text for uri in made.world.iter("uri")] + [
        mesh.get("filename") for mesh in made.urdf.iter("mesh")
    ]
    for uri in uris:
        path = Path(urlparse(uri or "").path)
        size = path.stat().st_size
        assert size == 84 + 50 * int.from_bytes(path.read_bytes()[80:84], "little") > 84


@pytest.mark.skipif(shutil.which("gz") is None, reason="Gazebo's command line is not installed")
def test_gazebo_itself_finds_the_files_valid(made: Made) -> None:
    for path in (made.files.world, made.files.robot):
        told = subprocess.run(
            ["gz", "sdf", "--check", str(path)], capture_output=True, text=True, check=False
        )
        assert re.search("Valid", told.stdout), told.stdout + told.stderr


def test_a_turn_survives_roll_pitch_and_yaw_also_straight_up() -> None:
    rng = np.random.default_rng(1)
    for camera_like in [rng.normal(size=3) for _ in range(20)] + [
        np.array([0.0, 0.0, 1.0]),
        np.array([0.0, 0.0, -1.0]),
    ]:
        axis = camera_like / np.linalg.norm(camera_like)
        other = np.cross(axis, [0.3, 0.9, 0.1])
        other /= np.linalg.norm(other)
        rotation = np.column_stack([axis, other, np.cross(axis, other)])
        roll, pitch, yaw = Pose(rotation, np.zeros(3)).rpy
        spun = np.zeros(4)
        mujoco.mju_euler2Quat(spun, np.array([roll, pitch, yaw]), "XYZ")
        back = np.zeros(9)
        mujoco.mju_quat2Mat(back, spun)
        np.testing.assert_allclose(back.reshape(3, 3), rotation, atol=1e-7)


def test_a_camera_pose_is_a_rotation() -> None:
    robot = load_yaml((CONFIG / "robots" / "dual_arm.yaml").read_text(), RobotConfig, "dual_arm")
    for camera in robot.cameras.values():
        rotation = camera_pose(camera).rotation
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1.0)
