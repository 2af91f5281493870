"""How the bodies of a MuJoCo world hang on each other, as SDF joints.

MuJoCo's body may have several joints, one after the other; an SDF link has one. Each joint but the last therefore gets
a link of its own, nearly without mass:

    parent --joint 0--> link "via joint 0" --joint 1--> the body itself

A free joint is a link on which no joint hangs. Gazebo's joints begin at zero where the world is drawn, MuJoCo's do not:
limits and springs are moved by where the joint stands.
"""

from collections.abc import Iterator
from xml.etree import ElementTree as xml

import mujoco
import numpy as np

from segue_sim.gazebo.geometry import Pose, numbers, pose_of

UNLIMITED = 1e16  # SDF's own default for joints without limits
_VIA_PART = 0.01  # of the body's mass and inertia that a link between two of its joints gets
_LEAST_INERTIA = 1e-12
_TYPES = {
    mujoco.mjtJoint.mjJNT_HINGE: "revolute",
    mujoco.mjtJoint.mjJNT_SLIDE: "prismatic",
    mujoco.mjtJoint.mjJNT_BALL: "ball",
}


def joints_of(model: mujoco.MjModel, body: int) -> range:
    """Ids of a body's own joints, in order."""
    first = int(model.body_jntadr[body])
    return range(first, first + int(model.body_jntnum[body]))


def is_free(model: mujoco.MjModel, body: int) -> bool:
    """Whether nothing holds a body."""
    return any(model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE for joint in joints_of(model, body))


def hang(model: mujoco.MjModel, data: mujoco.MjData, body: int, origin: Pose) -> Iterator[xml.Element]:
    """Links and joints by which a body hangs on its parent; nothing for a free one, one fixed joint if it has none.

    `origin` is the pose of the SDF model, in whose frame links stand.
    """
    if is_free(model, body):
        return
    parent, name = _name(model, int(model.body_parentid[body])), _name(model, body)
    joints = joints_of(model, body)
    if not joints:
        yield _joint(f"{name}_fixed", "fixed", parent, name)
        return
    for joint in joints:
        last = joint == joints[-1]
        frame = _body_frame(data, body) if last else _joint_frame(model, data, joint)
        child = name if last else f"{name}_via_{joint_name(model, joint)}"
        if not last:
            yield _via(model, body, child, origin.inverse() @ frame)
        yield _moving(model, data, joint, parent, child, frame)
        parent = child


def _name(model: mujoco.MjModel, body: int) -> str:
    return str(model.body(body).name)


def joint_name(model: mujoco.MjModel, joint: int) -> str:
    """SDF keeps links and joints in one list: a joint with a body's name gets another."""
    name = str(model.joint(joint).name) or f"{_name(model, int(model.jnt_bodyid[joint]))}_joint_{joint}"
    taken = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name) >= 0
    return f"{name}_joint" if taken else name


def _body_frame(data: mujoco.MjData, body: int) -> Pose:
    return pose_of(data.xpos[body], data.xquat[body])


def _joint_frame(model: mujoco.MjModel, data: mujoco.MjData, joint: int) -> Pose:
    """On the joint's anchor, turned as its body is now."""
    body = int(model.jnt_bodyid[joint])
    return Pose(_body_frame(data, body).rotation, np.array(data.xanchor[joint]))


def _via(model: mujoco.MjModel, body: int, name: str, pose: Pose) -> xml.Element:
    link = xml.Element("link", {"name": name})
    link.append(pose_element(pose))
    inertial = xml.SubElement(link, "inertial")
    xml.SubElement(inertial, "mass").text = f"{_VIA_PART * model.body_mass[body]:.9g}"
    inertia = xml.SubElement(inertial, "inertia")
    for axis, value in zip(("ixx", "iyy", "izz"), model.body_inertia[body], strict=True):
        xml.SubElement(inertia, axis).text = f"{max(_VIA_PART * value, _LEAST_INERTIA):.9g}"
    return link


def _joint(name: str, kind: str, parent: str, child: str) -> xml.Element:
    element = xml.Element("joint", {"name": name, "type": kind})
    xml.SubElement(element, "parent").text = parent
    xml.SubElement(element, "child").text = child
    return element


def _moving(
    model: mujoco.MjModel, data: mujoco.MjData, joint: int, parent: str, child: str, frame: Pose
) -> xml.Element:
    """A joint whose child link stands at `frame` of the world: its place, axis, limits, spring, damping, friction."""
    kind = _TYPES[mujoco.mjtJoint(model.jnt_type[joint])]
    element = _joint(joint_name(model, joint), kind, parent, child)
    anchor = frame.rotation.T @ (data.xanchor[joint] - frame.position)
    element.append(pose_element(Pose(np.eye(3), anchor)))
    if kind == "ball":
        return element
    axis = xml.SubElement(element, "axis")
    xml.SubElement(axis, "xyz").text = numbers(frame.rotation.T @ data.xaxis[joint])
    now = float(data.qpos[model.jnt_qposadr[joint]])
    bounds = model.jnt_range[joint] - now if model.jnt_limited[joint] else (-UNLIMITED, UNLIMITED)
    _texts(xml.SubElement(axis, "limit"), dict(zip(("lower", "upper"), bounds, strict=True)))
    dof = int(model.jnt_dofadr[joint])
    dynamics = {
        "damping": model.dof_damping[dof],
        "friction": model.dof_frictionloss[dof],
        "spring_reference": model.qpos_spring[model.jnt_qposadr[joint]] - now,
        "spring_stiffness": model.jnt_stiffness[joint],
    }
    _texts(xml.SubElement(axis, "dynamics"), dynamics)
    return element


def _texts(element: xml.Element, values: dict[str, float]) -> None:
    for tag, value in values.items():
        xml.SubElement(element, tag).text = f"{value:.9g}"


def pose_element(pose: Pose) -> xml.Element:
    """`<pose>` as SDF has it."""
    element = xml.Element("pose")
    element.text = f"{numbers(pose.position)} {numbers(pose.rpy)}"
    return element
