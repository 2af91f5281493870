"""The world of a task as SDF: physics, light, and everything of the MuJoCo world that is not the robot."""

from pathlib import Path
from xml.etree import ElementTree as xml

import numpy as np

from segue_sim.gazebo.geometry import Pose, numbers, pose_of
from segue_sim.gazebo.joints import hang, pose_element
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
_LEAST_MASS_KG, _LEAST_INERTIA = 1e-6, 1e-9
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
    light.append(pose_element(_SUN))
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
    origin = pose_of(data.xpos[top], data.xquat[top])
    element.append(pose_element(origin))
    for body in family:
        here = origin.inverse() @ pose_of(data.xpos[body], data.xquat[body])
        element.append(_link(world, body, here, shapes))
    for body in family:
        if body != top or moves:
            element.extend(hang(model, data, body, origin))
    return element


def _link(world: World, body: int, pose: Pose, shapes: Shapes) -> xml.Element:
    model = world.model
    link = xml.Element("link", {"name": str(model.body(body).name) if body else "room"})
    link.append(pose_element(pose))
    if body and model.body_gravcomp[body] == 1:
        xml.SubElement(link, "gravity").text = "false"
    if body:  # also without mass: SDF's default is a whole kilogram
        inertial = xml.SubElement(link, "inertial")
        inertial.append(pose_element(pose_of(model.body_ipos[body], model.body_iquat[body])))
        xml.SubElement(inertial, "mass").text = f"{max(model.body_mass[body], _LEAST_MASS_KG):.9g}"
        inertia = xml.SubElement(inertial, "inertia")
        for axis, value in zip(("ixx", "iyy", "izz"), model.body_inertia[body], strict=True):
            xml.SubElement(inertia, axis).text = f"{max(value, _LEAST_INERTIA):.9g}"
    for index, part in enumerate(shapes.of(body)):
        if part.visible:
            link.append(_shape("visual", index, part))
        if part.touchable:
            link.append(_shape("collision", index, part))
    return link


def _shape(tag: str, index: int, part: Part) -> xml.Element:
    element = xml.Element(tag, {"name": f"{tag}_{index}"})
    element.append(pose_element(part.pose))
    element.append(sdf_geometry(part))
    if tag == "visual":
        material = xml.SubElement(element, "material")
        for name in ("ambient", "diffuse"):
            xml.SubElement(material, name).text = numbers(np.array(part.rgba))
    return element
