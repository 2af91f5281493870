"""What MuJoCo's model says and Gazebo's formats cannot: told to whoever makes the files, in words."""

from collections.abc import Iterable, Iterator

import mujoco
import numpy as np

from segue_sim.gazebo.joints import joints_of
from segue_sim.surroundings import robot_bodies
from segue_sim.world import World


def unsaid(world: World) -> tuple[str, ...]:
    """One sentence per property of the scenery or the robot that is not in the files."""
    robot = robot_bodies(world.model, tuple(arm.name for arm in world.robot.arms))
    bodies = [body for body in range(1, world.model.nbody) if body not in robot]
    return (
        *_cloth(world.model, robot),
        *_constraints(world.model, robot),
        *_armature(world.model, bodies, "the scenery"),
        *_armature(world.model, sorted(robot), "the robot"),
        *_free_and_ball(world.model, bodies),
        *_lightened(world.model, range(1, world.model.nbody)),
    )


def _cloth(model: mujoco.MjModel, robot: frozenset[int]) -> Iterator[str]:
    """Tendons that are no gripper's: what they hold together falls apart."""
    loose = [tendon for tendon in range(model.ntendon) if not _on_robot(model, tendon, robot)]
    if loose:
        first = str(model.tendon(loose[0]).name)
        yield f"{len(loose)} tendons ({first}, ...): Gazebo has none, so what they hold together is loose"


def _on_robot(model: mujoco.MjModel, tendon: int, robot: frozenset[int]) -> bool:
    first = int(model.tendon_adr[tendon])
    for wrap in range(first, first + int(model.tendon_num[tendon])):
        kind, what = model.wrap_type[wrap], int(model.wrap_objid[wrap])
        if kind == mujoco.mjtWrap.mjWRAP_JOINT:
            return int(model.jnt_bodyid[what]) in robot
        if kind == mujoco.mjtWrap.mjWRAP_SITE:
            return int(model.site_bodyid[what]) in robot
    return False


def _constraints(model: mujoco.MjModel, robot: frozenset[int]) -> Iterator[str]:
    """Equality constraints; those between a gripper's finger joints are written as `mimic`."""
    joint_kind = mujoco.mjtEq.mjEQ_JOINT
    for constraint in range(model.neq):
        kind, first = model.eq_type[constraint], int(model.eq_obj1id[constraint])
        if kind == joint_kind and int(model.jnt_bodyid[first]) in robot:
            continue
        named = str(model.eq(constraint).name) or f"number {constraint}"
        yield f"the constraint {named} ({mujoco.mjtEq(kind).name.removeprefix('mjEQ_').lower()})"


def _armature(model: mujoco.MjModel, bodies: Iterable[int], whose: str) -> Iterator[str]:
    joints = [joint for body in bodies for joint in joints_of(model, body)]
    heavy = [joint for joint in joints if model.dof_armature[model.jnt_dofadr[joint]] > 0]
    if heavy:
        most = max(float(model.dof_armature[model.jnt_dofadr[joint]]) for joint in heavy)
        first = str(model.joint(heavy[0]).name)
        yield f"armature (rotor inertia) of {len(heavy)} joints of {whose} ({first}, ...; up to {most:g})"


def _free_and_ball(model: mujoco.MjModel, bodies: Iterable[int]) -> Iterator[str]:
    """Joints with several degrees of freedom have neither damping nor springs nor limits in SDF."""
    several = (mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL)
    joints = [
        joint for body in bodies for joint in joints_of(model, body) if model.jnt_type[joint] in several
    ]
    held = [
        str(model.joint(joint).name)
        for joint in joints
        if model.dof_damping[model.jnt_dofadr[joint]] > 0
        or model.dof_frictionloss[model.jnt_dofadr[joint]] > 0
        or model.jnt_stiffness[joint] > 0
        or model.jnt_limited[joint]
    ]
    if held:
        yield f"damping, friction, springs and limits of {len(held)} free or ball joints ({held[0]}, ...)"


def _lightened(model: mujoco.MjModel, bodies: Iterable[int]) -> Iterator[str]:
    """Gazebo's gravity is on or off for a link."""
    partly = [body for body in bodies if not np.any(np.isclose(model.body_gravcomp[body], [0.0, 1.0]))]
    if partly:
        yield f"gravity compensation by parts of {len(partly)} bodies ({model.body(partly[0]).name}, ...)"
