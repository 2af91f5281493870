"""Joints that a robot has and no command moves: a torso, a head, a base. Their motors hold them in place."""

from collections.abc import Mapping

import mujoco

from segue_core.contracts.robot import ArmConfig, RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name


def add_held(arm: mujoco.MjSpec, config: ArmConfig) -> None:
    """Adds a position actuator for every held joint of an arm's description, named like the joint."""
    for held in config.held or ():
        actuator = arm.add_actuator()
        actuator.name, actuator.target = held.joint, held.joint
        actuator.trntype = mujoco.mjtTrn.mjTRN_JOINT
        actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        actuator.gainprm[0] = held.stiffness
        actuator.biasprm[1:3] = -held.stiffness, -held.damping
        actuator.forcerange, actuator.forcelimited = (-held.force, held.force), True


def place_held(
    robot: RobotConfig,
    model: mujoco.MjModel,
    data: mujoco.MjData,
    elsewhere: Mapping[str, float] | None = None,
) -> None:
    """Puts the held joints where the contract holds them, and their actuators' targets with them, if there are any.

    Args:
        elsewhere: positions [rad] or [m] of joints that are held elsewhere, by names in the compiled model.

    Raises:
        ConfigError: a joint in `elsewhere` is not held, or carries a tool: controllers rely on the contract there.
    """
    positions = {f"{arm.name}_{held.joint}": held.position for arm in robot.arms for held in arm.held or ()}
    for name in elsewhere or ():
        _refuse(robot, model, name, list(positions))
    for name, position in {**positions, **(elsewhere or {})}.items():
        data.qpos[model.joint(name).qposadr[0]] = position
        if model.nu:
            data.ctrl[model.actuator(name).id] = position


def _refuse(robot: RobotConfig, model: mujoco.MjModel, name: str, held: list[str]) -> None:
    if name not in held:
        raise unknown_name("held joint", name, held)
    carrier = int(model.jnt_bodyid[model.joint(name).id])
    for arm in robot.arms:
        body = int(model.site_bodyid[model.site(f"{arm.name}_tool").id])
        while body:
            if body == carrier:
                text = f"held joint '{name}' carries the tool of '{arm.name}': only the robot's contract moves it"
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
            body = int(model.body_parentid[body])
