"""A robot's URDF for `robot_description`: links, joints and cameras of the contract, without a simulator's parts."""

from pathlib import Path
from xml.etree import ElementTree as xml

import numpy as np

from segue_core.robot_config import ArmConfig, RobotConfig
from segue_sim.gazebo.geometry import numbers, pose_of
from segue_sim.gazebo.robot import robot_urdf

_OF_A_SIMULATOR = ("gazebo", "ros2_control", "plugin")


def description(robot: RobotConfig, meshes: Path) -> str:
    """The URDF; its meshes are written to the folder `meshes`, which is made when it is missing.

    Joints are called as in joint_states. Every arm has a link `<arm>_tool`, its tool centre point.

    Raises:
        SegueError: the model has a joint that URDF does not know.
        OSError: the folder cannot be written.
    """
    meshes.mkdir(parents=True, exist_ok=True)
    root = xml.fromstring(robot_urdf(robot, meshes, meshes / "controllers.yaml"))
    for tag in _OF_A_SIMULATOR:
        for element in root.findall(tag):
            root.remove(element)
    for arm in robot.arms:
        root.extend(_tool(arm))
    xml.indent(root)
    return '<?xml version="1.0"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _tool(arm: ArmConfig) -> tuple[xml.Element, xml.Element]:
    name, tool = f"{arm.name}_tool", arm.tool
    pose = pose_of(np.array(tool.position), np.array(tool.quaternion or (1.0, 0.0, 0.0, 0.0)))
    joint = xml.Element("joint", {"name": f"{name}_joint", "type": "fixed"})
    xml.SubElement(joint, "parent", {"link": f"{arm.name}_{tool.body}"})
    xml.SubElement(joint, "child", {"link": name})
    xml.SubElement(joint, "origin", {"xyz": numbers(pose.position), "rpy": numbers(pose.rpy)})
    return xml.Element("link", {"name": name}), joint
