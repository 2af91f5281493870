"""Model files of a robot outside of the tree: MJCF and URDF by plain path, or one sentence of refusal."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_core.files import load_config

CONTRACT = """
name: mine
description: two joints and a jaw
action_space_name: single_arm_joints_5
tick_rate_hz: 25.0
control_rate_hz: 100.0
controller: {{kind: joint_position}}
model: {{{model}}}
arms:
  - name: arm
    root: base
    base_position: [0.1, 0.0, 0.0]
    joints: [j1, j2, j3, j4, j5]
    home_rad: [0.0, 0.0, 0.0, 0.0, 0.0]
    tool: {{body: hand, position: [0.0, 0.0, 0.1]}}
    gripper:
      {{finger_joints: [jaw], finger_bodies: [finger, hand], open_position: [0.5], closed_position: [0.0], force_n: 5}}
    stiffness: [50, 50, 50, 50, 50]
    damping: [5, 5, 5, 5, 5]
    torque_n_m: [2, 2, 2, 2, 2]
limits:
  velocity_rad_s: [3, 3, 3, 3, 3]
  acceleration_rad_s2: [20, 20, 20, 20, 20]
  jerk_rad_s3: [5000, 5000, 5000, 5000, 5000]
workspace: {{low: [-1, -1, 0], high: [1, 1, 1]}}
cameras: {{}}
"""
AXES = ("0 0 1", "0 1 0", "0 1 0", "0 1 0", "0 0 1", "1 0 0")
LINKS = ("base", "l1", "l2", "l3", "l4", "hand", "finger")
JOINTS = ("j1", "j2", "j3", "j4", "j5", "jaw")


def _mjcf() -> str:
    text = '<geom size="0.02"/>'
    for axis, joint, link in reversed(list(zip(AXES, JOINTS, LINKS[1:], strict=True))):
        text = (
            f'<body name="{link}" pos="0 0 0.1"><joint name="{joint}" axis="{axis}" range="-90 90"/>'
            f'<geom size="0.02"/>{text}</body>'
        )
    return f'<mujoco><worldbody><body name="base">{text}</body></worldbody></mujoco>'


def _urdf(mesh: str) -> str:
    shape = f'<geometry><mesh filename="{mesh}"/></geometry>'
    inertia = '<inertia ixx="1e-3" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/>'
    inertial = f'<inertial><mass value="0.1"/>{inertia}</inertial>'
    links = "".join(
        f'<link name="{link}">{inertial}<visual>{shape}</visual><collision>{shape}</collision></link>'
        for link in LINKS
    )
    joints = "".join(
        f'<joint name="{joint}" type="revolute"><parent link="{a}"/><child link="{b}"/><origin xyz="0 0 0.1"/>'
        f'<axis xyz="{axis}"/><limit lower="-1.5708" upper="1.5708" effort="1" velocity="1"/></joint>'
        for axis, joint, a, b in zip(AXES, JOINTS, LINKS, LINKS[1:], strict=False)
    )
    return f'<robot name="mine">{links}{joints}</robot>'


def _robot(folder: Path, model: str) -> RobotConfig:
    (folder / "mine.yaml").write_text(CONTRACT.format(model=model))
    return load_config(folder / "mine.yaml", RobotConfig)


def _mesh(folder: Path) -> None:
    """A tetrahedron of 4 cm as STL."""
    folder.mkdir(parents=True)
    corners = 0.04 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = corners[[[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]].astype("<f4")
    triangles = b"".join(bytes(12) + face.tobytes() + bytes(2) for face in faces)
    (folder / "part.stl").write_bytes(bytes(80) + np.uint32(len(faces)).tobytes() + triangles)


def _stands_as_described(robot: RobotConfig) -> mujoco.MjModel:
    tool = Kinematics(robot).poses(np.zeros(5)).positions[0]
    np.testing.assert_allclose(tool, (0.1, 0.0, 0.6), atol=1e-9)
    return compiled(robot, robot_spec(robot))


def test_an_mjcf_beside_the_contract_or_anywhere_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "arm.xml").write_text(_mjcf())
    beside = _robot(tmp_path, "file: models/arm.xml")
    anywhere = _robot(tmp_path, f"file: {tmp_path / 'models' / 'arm.xml'}")
    for robot in (beside, anywhere):
        assert _stands_as_described(robot).njnt == 6


@pytest.mark.parametrize(
    "mesh",
    ["../meshes/part.stl", "package://mine_description/meshes/part.stl", "file://{folder}/meshes/part.stl"],
)
@pytest.mark.parametrize("visuals", ["hull", "mesh"])
def test_a_urdf_has_its_links_joints_and_meshes_from_where_it_says(
    tmp_path: Path, mesh: str, visuals: str
) -> None:
    package = tmp_path / "mine_description"
    _mesh(package / "meshes")
    (package / "urdf").mkdir()
    (package / "urdf" / "arm.urdf").write_text(_urdf(mesh.format(folder=package)))
    model = _stands_as_described(
        _robot(tmp_path, f"file: mine_description/urdf/arm.urdf, visuals: {visuals}")
    )
    bodies = [model.body(i).name for i in range(1, model.nbody)]
    assert bodies == [f"arm_{link}" for link in LINKS], "none is merged into another"
    seen = [int(model.geom_group[i]) < 3 for i in range(model.ngeom)]
    assert sum(seen) == len(LINKS) and len(seen) == len(LINKS) * (1 if visuals == "hull" else 2)


def test_the_fingerprint_does_not_know_in_which_folder_a_contract_lies(tmp_path: Path) -> None:
    prints = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "arm.xml").write_text(_mjcf())
        prints.add(_robot(folder, "file: arm.xml").fingerprint())
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("file: arm.xml", r"robot 'mine': model file '.*/arm.xml' not found.*relative to the folder of the contract"),
        ("package: no_such_package, file: arm.xml", r"package 'no_such_package' .* not installed.*leave `package` out"),
        ("package: no.such.package, file: arm.xml", r"package 'no.such.package' .* not installed"),
        ("file: torn.xml", r"MuJoCo cannot read '.*/torn.xml': .*XML"),
        ("file: arm.urdf", r"MuJoCo cannot read '.*/arm.urdf': no <robot> in it .*xacro"),
        ("file: folder.xml", r"MuJoCo cannot read '.*/folder.xml': .* is a folder, expected a file"),
        ("file: folder.urdf", r"MuJoCo cannot read '.*/folder.urdf': .* is a folder, expected a file"),
        ("file: lost.urdf", r"mesh 'package://lost/part.stl': no folder 'lost' with 'part.stl' in it"),
    ],
)  # fmt: skip
def test_a_model_file_that_cannot_be_had_is_one_sentence_with_what_to_do(
    tmp_path: Path, model: str, text: str
) -> None:
    (tmp_path / "torn.xml").write_text("<mujoco><worldbody>")
    (tmp_path / "arm.urdf").write_text("<launch/>")
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "folder.urdf").mkdir()
    (tmp_path / "lost.urdf").write_text(_urdf("package://lost/part.stl"))
    with pytest.raises(ConfigError, match=text) as caught:
        Kinematics(_robot(tmp_path, model))
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_a_plain_path_of_a_contract_that_is_no_file_is_refused() -> None:
    robot = load_yaml(CONTRACT.format(model="file: arm.xml"), RobotConfig, "pasted")
    with pytest.raises(ConfigError, match="relative to no contract's file.*absolute path"):
        Kinematics(robot)
