"""Applies a contract's repairs to the description of a model file, in memory; see `segue_core.contracts.model`."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

import mujoco
import numpy as np

from segue_core.contracts.model import BodyRepair, JointRepair, ModelRepairs
from segue_core.errors import ConfigError, ErrorCode

NamedT = TypeVar("NamedT", mujoco.MjsJoint, mujoco.MjsBody)
_KINDS = {"hinge": mujoco.mjtJoint.mjJNT_HINGE, "slide": mujoco.mjtJoint.mjJNT_SLIDE}


def repair(spec: mujoco.MjSpec, repairs: ModelRepairs) -> None:
    """Change `spec` as the repairs say.

    Raises:
        ConfigError: a pattern matches nothing, so the repair is not for this file.
    """
    if repairs.strip_prefix:
        _strip(spec, repairs.strip_prefix)
    if repairs.drop_equalities:
        for equality in list(spec.equalities):
            equality.delete()
    for joint_repair in repairs.joints:
        for joint in _matching(spec.joints, joint_repair.match, "joint"):
            _repair_joint(joint, joint_repair, spec.compiler.degree)
    for body_repair in repairs.bodies:
        for body in _matching(spec.bodies, body_repair.match, "body"):
            _repair_body(body, body_repair)
    for name, coefficients in repairs.tendons.items():
        _couple(spec, name, coefficients)


def _matching(elements: Sequence[NamedT], pattern: str, what: str) -> list[NamedT]:
    found = [element for element in elements if fnmatchcase(element.name, pattern)]
    if not found:
        names = ", ".join(sorted(element.name for element in elements if element.name))
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"model repair: no {what} matches", got=pattern, expected=names
        )
    return found


def _couple(spec: mujoco.MjSpec, name: str, coefficients: Mapping[str, float]) -> None:
    """Adds a fixed tendon over joints, and keeps these together as gears would."""
    tendon = spec.add_tendon()
    tendon.name = name
    first, *others = coefficients
    for joint, coefficient in coefficients.items():
        tendon.wrap_joint(joint, coefficient)
    for joint in others:
        gear = spec.add_equality()
        gear.type, gear.objtype = mujoco.mjtEq.mjEQ_JOINT, mujoco.mjtObj.mjOBJ_JOINT
        gear.name1, gear.name2 = joint, first
        gear.data[1] = 1.0
        gear.solref, gear.solimp[:3] = (0.005, 1.0), (0.95, 0.99, 0.001)


def _strip(spec: mujoco.MjSpec, prefix: str) -> None:
    """Takes `prefix` off every name that begins with it, also where pairs, couplings and motors refer to it."""
    for element in (*spec.bodies, *spec.joints, *spec.geoms, *spec.sites):
        element.name = element.name.removeprefix(prefix)
    for pair in spec.excludes:
        pair.bodyname1 = pair.bodyname1.removeprefix(prefix)
        pair.bodyname2 = pair.bodyname2.removeprefix(prefix)
    for coupling in spec.equalities:
        coupling.name1 = coupling.name1.removeprefix(prefix)
        coupling.name2 = coupling.name2.removeprefix(prefix)
    for motor in spec.actuators:
        motor.target = motor.target.removeprefix(prefix)


def _repair_joint(joint: mujoco.MjsJoint, repair: JointRepair, degrees: bool) -> None:
    if repair.kind is not None:
        joint.type = _KINDS[repair.kind]
    if repair.range is not None:
        hinge = joint.type == mujoco.mjtJoint.mjJNT_HINGE
        joint.range = np.degrees(repair.range) if hinge and degrees else repair.range
        joint.limited = mujoco.mjtLimited.mjLIMITED_TRUE
    for field, value in (
        ("damping", repair.damping),
        ("armature", repair.armature),
        ("frictionloss", repair.friction),
        ("stiffness", repair.stiffness),
    ):
        if value is not None:
            setattr(joint, field, value)


def _repair_body(body: mujoco.MjsBody, repair: BodyRepair) -> None:
    if not body.explicitinertial:
        text = f"model repair: body '{body.name}' has no mass of its own in the file, only its shapes have"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    body.inertia = body.inertia * (repair.mass / body.mass)
    body.mass = repair.mass
