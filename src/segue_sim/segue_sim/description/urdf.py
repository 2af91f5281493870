"""A robot's URDF for `robot_description`: links, joints and cameras of the contract, without a simulator's parts."""

from pathlib import Path
from xml.etree import ElementTree as xml

from segue_core.contracts.robot import RobotConfig
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
    xml.indent(root)
    return '<?xml version="1.0"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
