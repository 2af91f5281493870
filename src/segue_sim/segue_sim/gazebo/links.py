"""A compiled MuJoCo model as links and joints of a tree, each joint on the origin of its child, as URDF wants it."""

from dataclasses import dataclass

import mujoco
import numpy as np

from segue_core.arrays import Floats
from segue_core.errors import ErrorCode, SegueError
from segue_sim.gazebo.geometry import Pose, pose_of, translation


@dataclass(frozen=True, eq=False)
class Joint:
    """How a link hangs on its parent. `axis` is in the link's frame; fixed joints have none.

    `limits` are lowest and highest position [rad or m], none where the joint turns or slides without end. `damping` is
    [N m s/rad or N s/m], `friction` [N m or N]; a spring of `stiffness` [N m/rad or N/m] pulls to `rest`.
    """

    name: str
    parent: str
    pose: Pose
    axis: Floats | None = None
    slides: bool = False
    limits: tuple[float, float] | None = None
    damping: float = 0.0
    friction: float = 0.0
    stiffness: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True, eq=False)
class Link:
    """One link: its joint, which body of the model it shows (-1: none) and where that body is in the link."""

    name: str
    joint: Joint
    body: int
    body_pose: Pose


def links_of(
    model: mujoco.MjModel, bodies: list[int], root: str, still: dict[str, float]
) -> tuple[Link, ...]:
    """The links of `bodies`, parents first. Joints in `still` do not move: they are fixed where it says.

    Raises:
        SegueError: a joint that URDF does not know (ball, free).
    """
    names = {body: str(model.body(body).name) for body in bodies}
    found: list[Link] = []
    for body in bodies:
        parent_body = int(model.body_parentid[body])
        parent = names.get(parent_body, root)
        offset = next((link.body_pose for link in reversed(found) if link.body == parent_body), translation())
        here = offset @ pose_of(model.body_pos[body], model.body_quat[body])
        found += _chain(model, body, names[body], parent, here, still)
    return tuple(found)


def _chain(
    model: mujoco.MjModel, body: int, name: str, parent: str, here: Pose, still: dict[str, float]
) -> list[Link]:
    """One link per joint that moves; the last one is the body itself."""
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    links: list[Link] = []
    for joint in range(first, first + count):
        joint_name = str(model.joint(joint).name)
        _refuse_unknown(model, joint, joint_name)
        axis, anchor = np.array(model.jnt_axis[joint]), np.array(model.jnt_pos[joint])
        stands_at = float(model.qpos0[model.jnt_qposadr[joint]])  # the model is drawn with the joint there
        here = here @ _moved(model, joint, axis, anchor, still.get(joint_name, 0.0) - stands_at)
        if joint_name in still:
            continue
        at_anchor = translation(*anchor)
        moving = _moving(model, joint, parent, here @ at_anchor)
        links.append(Link(f"{name}_via_{joint_name}", moving, -1, translation()))
        parent, here = links[-1].name, at_anchor.inverse()
    if not links:
        return [Link(name, Joint(f"{name}_fixed", parent, here), body, translation())]
    last = links.pop()
    return [*links, Link(name, last.joint, body, here)]


def _moving(model: mujoco.MjModel, joint: int, parent: str, pose: Pose) -> Joint:
    dof, address = int(model.jnt_dofadr[joint]), int(model.jnt_qposadr[joint])
    low, high = (float(value) for value in model.jnt_range[joint])
    return Joint(
        str(model.joint(joint).name),
        parent,
        pose,
        axis=np.array(model.jnt_axis[joint]),
        slides=bool(model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE),
        limits=(low, high) if model.jnt_limited[joint] else None,
        damping=float(model.dof_damping[dof]),
        friction=float(model.dof_frictionloss[dof]),
        stiffness=float(model.jnt_stiffness[joint]),
        rest=float(model.qpos_spring[address]),
    )


def _moved(model: mujoco.MjModel, joint: int, axis: Floats, anchor: Floats, value: float) -> Pose:
    if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE:
        return translation(*(axis * value))
    quaternion = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quaternion, axis, value)
    return translation(*anchor) @ pose_of(np.zeros(3), quaternion) @ translation(*-anchor)


def _refuse_unknown(model: mujoco.MjModel, joint: int, name: str) -> None:
    known = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
    if model.jnt_type[joint] not in known:
        text = f"joint {name!r} cannot be written to URDF: only hinges and slides can"
        raise SegueError(ErrorCode.SIMULATION_FAILED, text)
