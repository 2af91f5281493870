"""The world of a task as SDF: physics, light, and everything of the MuJoCo world that is not the robot."""

from pathlib import Path
from xml.etree import ElementTree as xml

import mujoco
import numpy as np

from segue_sim.gazebo.geometry import Pose, numbers, pose_of
from segue_sim.gazebo.links import links_of
from segue_sim.gazebo.shapes import Part, Shapes, sdf_geometry
from segue_sim.surroundings import robot_bodies
from segue_sim.world import World

SDF_VERSION = "1.9"
_SYSTEMS = {
    "gz-sim-physics-system": "gz::sim::systems::Physics",
    "gz-sim-user-commands-system": "gz::sim::systems::UserCommands",
    "gz-sim-scene-broadcaster-system": "gz::sim::systems::SceneBroadcaster",
    "gz-sim-sensors-system": "gz::sim::systems::Sensors",
}
_SUN = Pose(np.eye(3), np.array([0.5, 0.0, 2.5]))


def world_name(world: World) -> str:
    """Name of the world in Gazebo's topics."""
    return f"segue_{world.task.name}"


def world_sdf(world: World, folder: Path) -> str:
    """The scenery as it stands at the start of the world's seed; meshes are written to `folder`.

    Every body that hangs on the world is a model of its own: static when nothing in it moves, else free or jointed.
    """
    root = xml.Element("sdf", {"version": SDF_VERSION})
    element = xml.SubElement(root, "world", {"name": world_name(world)})
    physics = xml.SubElement(element, "physics", {"name": "step", "type": "ignored"})
    xml.SubElement(physics, "max_step_size").text = f"{world.robot.physics_step_s:.9g}"
    xml.SubElement(physics, "real_time_factor").text = "1"
    for filename, name in _SYSTEMS.items():
        plugin = xml.SubElement(element, "plugin", {"filename": filename, "name": name})
        if name.endswith("Sensors"):
            xml.SubElement(plugin, "render_engine").text = "ogre2"
    element.append(_light())
    shapes = Shapes(world.model, folder)
    for body in _tops(world):
        element.append(_model(world, body, shapes))
    xml.indent(root)
    return '<?xml version="1.0"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _light() -> xml.Element:
    light = xml.Element("light", {"name": "sun", "type": "directional"})
    light.append(_pose(_SUN))
    texts = {"cast_shadows": "false", "diffuse": "0.8 0.8 0.8 1", "direction": "-0.3 0.2 -1"}
    for tag, text in texts.items():
        xml.SubElement(light, tag).text = text
    return light


def _tops(world: World) -> list[int]:
    """The world itself (its fixed shapes) and the bodies that hang on it, without the robot's."""
    robot = robot_bodies(world.model, tuple(arm.name for arm in world.robot.arms))
    children = [
        b for b in range(1, world.model.nbody) if world.model.body_parentid[b] == 0 and b not in robot
    ]
    return [0, *children]


def _family(world: World, top: int) -> list[int]:
    """A body and everything below it, parents first."""
    if top == 0:
        return [0]
    family = [top]
    for body in range(top + 1, world.model.nbody):
        if int(world.model.body_parentid[body]) in family:
            family.append(body)
    return family


def _model(world: World, top: int, shapes: Shapes) -> xml.Element:
    model, data = world.model, world.data
    family = _family(world, top)
    moves = bool(sum(model.body_jntnum[body] for body in family))
    element = xml.Element("model", {"name": str(model.body(top).name) if top else "room"})
    xml.SubElement(element, "static").text = "false" if moves else "true"
    element.append(_pose(pose_of(data.xpos[top], data.xquat[top])))
    inverse = pose_of(data.xpos[top], data.xquat[top]).inverse()
    for body in family:
        element.append(_link(world, body, inverse @ pose_of(data.xpos[body], data.xquat[body]), shapes))
    hung = [body for body in family if body != top or (top and moves and not _free(world, top))]
    for body in hung:
        element.append(_joint(world, body))
    return element


def _free(world: World, body: int) -> bool:
    """Whether nothing holds a body."""
    first, count = int(world.model.body_jntadr[body]), int(world.model.body_jntnum[body])
    return any(
        world.model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE for joint in range(first, first + count)
    )


def _link(world: World, body: int, pose: Pose, shapes: Shapes) -> xml.Element:
    model = world.model
    link = xml.Element("link", {"name": str(model.body(body).name) if body else "room"})
    link.append(_pose(pose))
    if body and model.body_mass[body] > 0:
        inertial = xml.SubElement(link, "inertial")
        inertial.append(_pose(pose_of(model.body_ipos[body], model.body_iquat[body])))
        xml.SubElement(inertial, "mass").text = f"{model.body_mass[body]:.9g}"
        inertia = xml.SubElement(inertial, "inertia")
        for axis, value in zip(("ixx", "iyy", "izz"), model.body_inertia[body], strict=True):
            xml.SubElement(inertia, axis).text = f"{max(value, 1e-9):.9g}"
    for index, part in enumerate(shapes.of(body)):
        if part.visible:
            link.append(_shape("visual", index, part))
        if part.touchable:
            link.append(_shape("collision", index, part))
    return link


def _shape(tag: str, index: int, part: Part) -> xml.Element:
    element = xml.Element(tag, {"name": f"{tag}_{index}"})
    element.append(_pose(part.pose))
    element.append(sdf_geometry(part))
    if tag == "visual":
        material = xml.SubElement(element, "material")
        for name in ("ambient", "diffuse"):
            xml.SubElement(material, name).text = numbers(np.array(part.rgba))
    return element


def _joint(world: World, body: int) -> xml.Element:
    """How a body hangs on its parent in SDF, where the joint's origin is the child's frame."""
    model = world.model
    name, parent = str(model.body(body).name), str(model.body(int(model.body_parentid[body])).name)
    jointed = links_of(model, [body], parent, {})[-1].joint if model.body_jntnum[body] == 1 else None
    kind = "fixed" if jointed is None else "prismatic" if jointed.slides else "revolute"
    own = jointed.name if jointed else f"{name}_fixed"
    unique = f"{own}_joint" if own == name else own  # SDF keeps links and joints in one list
    element = xml.Element("joint", {"name": unique, "type": kind})
    xml.SubElement(element, "parent").text = parent
    xml.SubElement(element, "child").text = name
    if jointed is not None and jointed.axis is not None:
        address = int(model.body_jntadr[body])
        element.append(_pose(Pose(np.eye(3), np.array(model.jnt_pos[address]))))
        axis = xml.SubElement(element, "axis")
        xml.SubElement(axis, "xyz").text = numbers(jointed.axis)
        now = float(world.data.qpos[model.jnt_qposadr[address]])
        limit = xml.SubElement(axis, "limit")
        xml.SubElement(limit, "lower").text = f"{jointed.low - now:.9g}"
        xml.SubElement(limit, "upper").text = f"{jointed.high - now:.9g}"
        dynamics = xml.SubElement(axis, "dynamics")
        xml.SubElement(dynamics, "damping").text = f"{model.dof_damping[model.jnt_dofadr[address]]:.9g}"
        xml.SubElement(dynamics, "friction").text = f"{model.dof_frictionloss[model.jnt_dofadr[address]]:.9g}"
    return element


def _pose(pose: Pose) -> xml.Element:
    element = xml.Element("pose")
    element.text = f"{numbers(pose.position)} {numbers(pose.rpy)}"
    return element
