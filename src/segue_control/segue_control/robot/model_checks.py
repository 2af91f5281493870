"""What a contract says about a model file and the file does not have, or does not allow."""

from collections.abc import Iterable

import mujoco
import numpy as np

from segue_core.contracts.robot import ArmConfig, RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name


def refuse_unknown_parts(spec: mujoco.MjSpec, config: ArmConfig) -> None:
    """Every joint, body and tendon that an arm's contract names is in its model; ConfigError listing those that are."""
    gripper, held = config.gripper, [held.joint for held in config.held or ()]
    joints, bodies = [joint.name for joint in spec.joints], [body.name for body in spec.bodies]
    fingers = () if gripper.tendon else gripper.finger_joints
    _refuse(f"joint of arm '{config.name}'", (*config.joints, *fingers, *held), joints)
    _refuse(f"body of arm '{config.name}'", (config.root, config.tool.body), bodies)
    tendons = [tendon.name for tendon in spec.tendons]
    _refuse(f"tendon of arm '{config.name}'", (gripper.tendon,) if gripper.tendon else (), tendons)


def _refuse(kind: str, named: Iterable[str], there: Iterable[str]) -> None:
    known = {name for name in there if name}
    for name in named:
        if name not in known:
            raise unknown_name(kind, name, known)


def refuse_home_outside(spec: mujoco.MjSpec, config: ArmConfig) -> None:
    """The home pose is one that the joints can have; ConfigError naming joint, position and limits."""
    for name, angle in zip(config.joints, config.home_rad, strict=True):
        joint = spec.joint(name)
        hinge = joint.type == mujoco.mjtJoint.mjJNT_HINGE
        low, high = np.radians(joint.range) if hinge and spec.compiler.degree else joint.range
        limited = low < high if joint.limited == mujoco.mjtLimited.mjLIMITED_AUTO else bool(joint.limited)
        if limited and not low <= angle <= high:
            text, expected = (
                f"arm '{config.name}': home_rad of {name}",
                f"{low:.4g} to {high:.4g}, its limits",
            )
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=angle, expected=expected)


def compiled(robot: RobotConfig, spec: mujoco.MjSpec) -> mujoco.MjModel:
    """The model of a description that has `robot` in it; ConfigError with MuJoCo's words when there can be none."""
    try:
        model: mujoco.MjModel = spec.compile()
    except ValueError as error:
        text = (
            f"MuJoCo cannot build robot '{robot.name}' with what is around it: {' '.join(str(error).split())}"
        )
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text) from error
    return model
