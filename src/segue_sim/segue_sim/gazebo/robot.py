"""The robot of a contract as URDF, with ros2_control and its cameras."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as xml

import mujoco
import numpy as np

from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.contracts.robot import ArmConfig, CameraConfig, RobotConfig
from segue_sim.gazebo.cameras import camera_pose, sensor
from segue_sim.gazebo.geometry import Pose, numbers, pose_of, translation
from segue_sim.gazebo.joints import UNLIMITED
from segue_sim.gazebo.links import Joint, Link, links_of
from segue_sim.gazebo.shapes import Part, Shapes, urdf_geometry

_PLUGIN = ("gz_ros2_control-system", "gz_ros2_control::GazeboSimROS2ControlPlugin")
_HARDWARE = "gz_ros2_control/GazeboSimSystem"
_UNBOUNDED = (UNLIMITED, UNLIMITED)  # effort and speed of joints that no motor drives
_LEAST_MASS_KG, _LEAST_INERTIA = 1e-3, 1e-7  # physics engines refuse links without mass
# REP-103: z along the optical axis, x right, y down, seen from a frame with x along the axis and z up.
_OPTICAL = Pose(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), np.zeros(3))


def optical_frame(camera: str) -> str:
    """The frame that pictures carry, the same as the simulator's."""
    return f"{camera}_camera_optical_frame"


def mimic(arm: ArmConfig, finger: int) -> tuple[float, float]:
    """Factor and offset that make a finger follow the first one: open together, closed together."""
    opened, closed = arm.gripper.opened, arm.gripper.closed
    factor = (opened[finger] - closed[finger]) / (opened[0] - closed[0])
    return factor, closed[finger] - factor * closed[0]


def robot_urdf(robot: RobotConfig, folder: Path, controllers: Path) -> str:
    """The whole robot; its meshes are written to `folder`, `controllers` is the controllers' parameter file.

    Every arm has a link `<arm>_tool`, its tool centre point.

    Raises:
        SegueError: the model has a joint that URDF does not know.
    """
    spec = robot_spec(robot)
    model = compiled(robot, spec)
    bodies = list(range(1, model.nbody))
    held = {f"{arm.name}_{one.joint}": one.position for arm in robot.arms for one in arm.held or ()}
    links = links_of(model, bodies, robot.base_frame, held)
    root = xml.Element("robot", {"name": robot.name})
    xml.SubElement(root, "link", {"name": "world"})
    xml.SubElement(root, "link", {"name": robot.base_frame})
    root.append(_joint(Joint("world_to_base", "world", translation()), robot.base_frame))
    shapes, efforts = Shapes(model, folder), _efforts(robot)
    followers = {
        f"{arm.name}_{joint}": (f"{arm.name}_{arm.gripper.finger_joints[0]}", *mimic(arm, index))
        for arm in robot.arms
        for index, joint in enumerate(arm.gripper.finger_joints)
        if index
    }
    for link in links:
        root.append(_link(model, link, shapes))
        root.append(_joint(link.joint, link.name, efforts.get(link.joint.name, _UNBOUNDED), followers))
    root.extend(_springs(links))
    root.extend(_weightless(model, links))
    for arm in robot.arms:
        root.extend(_tool(arm, links))
    for name, camera in robot.cameras.items():
        root.extend(_camera(robot, name, camera, links))
    root.append(_ros2_control(robot))
    root.append(_plugin(controllers))
    xml.indent(root)
    return '<?xml version="1.0"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _efforts(robot: RobotConfig) -> dict[str, tuple[float, float]]:
    """Largest effort and speed of every joint that is commanded, by its name."""
    found: dict[str, tuple[float, float]] = {}
    for arm in robot.arms:
        found |= dict(
            zip(
                arm.joint_names(), zip(arm.torque_n_m, robot.limits.velocity_rad_s, strict=False), strict=True
            )
        )
        gripper = arm.gripper
        for index, joint in enumerate(gripper.finger_joints):
            travel = abs(gripper.opened[index] - gripper.closed[index])
            effort = gripper.efforts[min(index, gripper.motors - 1)]
            found[f"{arm.name}_{joint}"] = (effort, travel * gripper.speed_per_s)
    return found


def _origin(pose: Pose) -> xml.Element:
    return xml.Element("origin", {"xyz": numbers(pose.position), "rpy": numbers(pose.rpy)})


def _link(model: mujoco.MjModel, link: Link, shapes: Shapes) -> xml.Element:
    element = xml.Element("link", {"name": link.name})
    body = link.body
    if body < 0:
        element.append(_inertial(_LEAST_MASS_KG, np.full(3, _LEAST_INERTIA), translation()))
        return element
    pose = link.body_pose @ pose_of(model.body_ipos[body], model.body_iquat[body])
    mass = max(_LEAST_MASS_KG, float(model.body_mass[body]))
    element.append(_inertial(mass, np.maximum(_LEAST_INERTIA, model.body_inertia[body]), pose))
    for part in shapes.of(body):
        if part.visible:
            element.append(_shape("visual", part, link.body_pose))
        if part.touchable:
            element.append(_shape("collision", part, link.body_pose))
    return element


def _inertial(mass: float, diagonal: np.ndarray, pose: Pose) -> xml.Element:
    """Moments about axes parallel to the link's: readers of URDF (MuJoCo's, for one) forget the origin's `rpy` here."""
    element = xml.Element("inertial")
    element.append(_origin(translation(*pose.position)))
    xml.SubElement(element, "mass", {"value": f"{mass:.9g}"})
    moments = pose.rotation @ np.diag(diagonal) @ pose.rotation.T
    axes = {"x": 0, "y": 1, "z": 2}
    names = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    values = {name: f"{moments[axes[name[1]], axes[name[2]]]:.9g}" for name in names}
    xml.SubElement(element, "inertia", values)
    return element


def _shape(tag: str, part: Part, body_pose: Pose) -> xml.Element:
    element = xml.Element(tag)
    element.append(_origin(body_pose @ part.pose))
    element.append(urdf_geometry(part))
    if tag == "visual":
        name = "rgba_" + "_".join(f"{round(255 * value):02x}" for value in part.rgba)
        material = xml.SubElement(element, "material", {"name": name})
        xml.SubElement(material, "color", {"rgba": numbers(np.array(part.rgba))})
    return element


def _joint(
    joint: Joint,
    child: str,
    bounds: tuple[float, float] = _UNBOUNDED,
    followers: dict[str, tuple[str, float, float]] | None = None,
) -> xml.Element:
    element = xml.Element("joint", {"name": joint.name, "type": _kind(joint)})
    xml.SubElement(element, "parent", {"link": joint.parent})
    xml.SubElement(element, "child", {"link": child})
    element.append(_origin(joint.pose))
    if joint.axis is None:
        return element
    xml.SubElement(element, "axis", {"xyz": numbers(joint.axis)})
    effort, velocity = bounds
    limit = {"effort": f"{effort:g}", "velocity": f"{velocity:g}"}
    if _kind(joint) != "continuous":
        low, high = joint.limits or (-UNLIMITED, UNLIMITED)
        limit |= {"lower": f"{low:.9g}", "upper": f"{high:.9g}"}
    xml.SubElement(element, "limit", limit)
    resists = {"damping": f"{joint.damping:.9g}", "friction": f"{joint.friction:.9g}"}
    xml.SubElement(element, "dynamics", resists)
    if followers and joint.name in followers:
        leader, factor, offset = followers[joint.name]
        text = {"joint": leader, "multiplier": f"{factor:.9g}", "offset": f"{offset:.9g}"}
        xml.SubElement(element, "mimic", text)
    return element


def _kind(joint: Joint) -> str:
    if joint.axis is None:
        return "fixed"
    if joint.slides:
        return "prismatic"
    return "revolute" if joint.limits else "continuous"


def _springs(links: tuple[Link, ...]) -> Iterable[xml.Element]:
    """URDF has no springs; Gazebo reads them from an element of its own."""
    for joint in (link.joint for link in links if link.joint.stiffness > 0):
        element = xml.Element("gazebo", {"reference": joint.name})
        xml.SubElement(element, "springReference").text = f"{joint.rest:.9g}"
        xml.SubElement(element, "springStiffness").text = f"{joint.stiffness:.9g}"
        yield element


def _weightless(model: mujoco.MjModel, links: tuple[Link, ...]) -> Iterable[xml.Element]:
    """Links whose weight the robot carries by itself, as its simulated twin does."""
    for link in links:
        if link.body >= 0 and model.body_gravcomp[link.body] == 1:
            element = xml.Element("gazebo", {"reference": link.name})
            xml.SubElement(element, "turnGravityOff").text = "true"
            yield element


def _tool(arm: ArmConfig, links: tuple[Link, ...]) -> tuple[xml.Element, xml.Element]:
    name, tool = f"{arm.name}_tool", arm.tool
    body = f"{arm.name}_{tool.body}"
    offset = next(link.body_pose for link in links if link.name == body)
    pose = pose_of(np.array(tool.position), np.array(tool.quaternion or (1.0, 0.0, 0.0, 0.0)))
    return xml.Element("link", {"name": name}), _joint(Joint(f"{name}_joint", body, offset @ pose), name)


def _camera(
    robot: RobotConfig, name: str, camera: CameraConfig, links: tuple[Link, ...]
) -> Iterable[xml.Element]:
    """A link with x along the optical axis that carries the sensor, and REP-103's optical frame on it."""
    arm, _, body = camera.mount.partition("/")
    mount, offset = robot.base_frame, translation()
    if camera.mount != "world":
        mount = f"{arm}_{body}"
        offset = next(link.body_pose for link in links if link.name == mount)
    carrier = f"{name}_camera_link"
    yield _with_inertia(carrier)
    yield _joint(Joint(f"{name}_camera_joint", mount, offset @ camera_pose(camera)), carrier)
    yield xml.Element("link", {"name": optical_frame(name)})
    yield _joint(Joint(f"{name}_camera_optical_joint", carrier, _OPTICAL), optical_frame(name))
    keep = xml.Element("gazebo", {"reference": f"{name}_camera_joint"})
    xml.SubElement(
        keep, "preserveFixedJoint"
    ).text = "true"  # else the link is merged away, and the sensor's pose
    yield keep
    carries = xml.Element("gazebo", {"reference": carrier})
    carries.append(sensor(name, camera, optical_frame(name)))
    yield carries


def _with_inertia(name: str) -> xml.Element:
    link = xml.Element("link", {"name": name})
    link.append(_inertial(_LEAST_MASS_KG, np.full(3, _LEAST_INERTIA), translation()))
    return link


def _ros2_control(robot: RobotConfig) -> xml.Element:
    """Position commands for arms and first fingers; the arms begin at home, the grippers open."""
    element = xml.Element("ros2_control", {"name": f"{robot.name}_gazebo", "type": "system"})
    hardware = xml.SubElement(element, "hardware")
    xml.SubElement(hardware, "plugin").text = _HARDWARE
    for arm in robot.arms:
        for joint, home in zip(arm.joint_names(), arm.home_rad, strict=True):
            element.append(_interfaces(joint, home, commanded=True))
        for index, (finger, opened) in enumerate(
            zip(arm.gripper.finger_joints, arm.gripper.opened, strict=True)
        ):
            element.append(_interfaces(f"{arm.name}_{finger}", opened, commanded=index == 0))
    return element


def _interfaces(name: str, start: float, *, commanded: bool) -> xml.Element:
    joint = xml.Element("joint", {"name": name})
    if commanded:
        xml.SubElement(joint, "command_interface", {"name": "position"})
    position = xml.SubElement(joint, "state_interface", {"name": "position"})
    xml.SubElement(position, "param", {"name": "initial_value"}).text = f"{start:.9g}"
    for state in ("velocity", "effort"):
        xml.SubElement(joint, "state_interface", {"name": state})
    return joint


def _plugin(controllers: Path) -> xml.Element:
    gazebo = xml.Element("gazebo")
    filename, name = _PLUGIN
    plugin = xml.SubElement(gazebo, "plugin", {"filename": filename, "name": name})
    xml.SubElement(plugin, "parameters").text = str(controllers)
    return gazebo
