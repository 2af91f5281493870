"""Grippers in a robot's MuJoCo description: what their fingers touch with, and the motors that move them."""

from collections.abc import Iterator

import mujoco

from segue_core.contracts.gripper import FingerPad, GripperConfig
from segue_core.errors import unknown_name

_STIFFNESS, _DAMPING = 3000.0, 60.0  # of a parallel gripper's fingers [N/m], [N s/m]
_PAD_FRICTION = (1.6, 0.02, 0.001)
_PAD_RGBA = (0.22, 0.23, 0.25, 1.0)
_PAD_GROUP = 2
# The flat inner face of a Panda's fingertip: the pad of grippers on a tendon, unless their contract has another.
_TENDON_PAD = FingerPad(position=(0.0, 0.004, 0.0435), half_size=(0.009, 0.004, 0.0105))


def add_gripper(arm: mujoco.MjSpec, gripper: GripperConfig) -> None:
    """Fits the fingers' pads and friction, and adds the actuators `actuator_names`."""
    pad = gripper.pad or (_TENDON_PAD if gripper.tendon else None)
    for finger in _fingers(arm, gripper):
        if pad and any(geom.type == mujoco.mjtGeom.mjGEOM_MESH for geom in finger.geoms):
            _fit_pad(finger, pad)
        for geom in _touching(finger):
            _soften(geom, gripper)
    for index, name in enumerate(actuator_names(gripper)):
        _add_motor(arm, gripper, name, index)


def actuator_names(gripper: GripperConfig) -> tuple[str, ...]:
    """Names of a gripper's actuators: `gripper` on a tendon, else `gripper_1`, ... in the order of its joints."""
    if gripper.tendon is not None:
        return ("gripper",)
    return tuple(f"gripper_{i + 1}" for i in range(gripper.motors))


def _fingers(arm: mujoco.MjSpec, gripper: GripperConfig) -> list[mujoco.MjsBody]:
    """Bodies that touch; raises ConfigError for a name that the model has not."""
    if gripper.finger_bodies is not None:
        there = {body.name: body for body in arm.bodies}
        for name in gripper.finger_bodies:
            if name not in there:
                raise unknown_name("finger body", name, there)
        return [there[name] for name in gripper.finger_bodies]
    return [b for b in arm.bodies if any(joint.name in gripper.finger_joints for joint in b.joints)]


def _fit_pad(finger: mujoco.MjsBody, config: FingerPad) -> None:
    """One flat rubber pad: holds by friction, and lets go cleanly when the gripper opens.

    The finger's own hull stays visible but does not collide: a hull fills the hook of the fingertip, and objects
    would hang on it after release.
    """
    for geom in list(finger.geoms):
        if geom.type == mujoco.mjtGeom.mjGEOM_MESH:
            geom.contype, geom.conaffinity = 0, 0
        else:
            geom.delete()
    pad = finger.add_geom()
    pad.type, pad.pos, pad.size = mujoco.mjtGeom.mjGEOM_BOX, config.position, config.half_size
    pad.friction, pad.condim, pad.priority = _PAD_FRICTION, 4, 1
    pad.solref, pad.group, pad.rgba = (0.01, 1.0), _PAD_GROUP, _PAD_RGBA


def _touching(finger: mujoco.MjsBody) -> Iterator[mujoco.MjsGeom]:
    """The shapes of a finger and its tip that collide."""
    yield from (geom for geom in finger.geoms if geom.contype or geom.conaffinity)
    for tip in finger.bodies:
        yield from _touching(tip)


def _soften(geom: mujoco.MjsGeom, gripper: GripperConfig) -> None:
    if gripper.friction is not None:
        geom.friction, geom.condim, geom.priority = gripper.friction, 4, 1
        geom.solref = (0.01, 1.0)


def _add_motor(arm: mujoco.MjSpec, gripper: GripperConfig, name: str, index: int) -> None:
    motor = arm.add_actuator()
    motor.name, motor.target = name, gripper.tendon or gripper.finger_joints[index]
    motor.trntype = mujoco.mjtTrn.mjTRN_TENDON if gripper.tendon else mujoco.mjtTrn.mjTRN_JOINT
    motor.gaintype, motor.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
    stiffness = gripper.finger_stiffness or _STIFFNESS
    motor.gainprm[0] = stiffness
    motor.biasprm[1:3] = -stiffness, -(gripper.finger_damping or _DAMPING)
    effort = gripper.efforts[index]
    motor.forcerange, motor.forcelimited = (-effort, effort), True
