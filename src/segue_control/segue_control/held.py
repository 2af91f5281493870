"""Joints that a robot has and no command moves: a torso, a head, a base. Their motors hold them in place."""

import mujoco
import numpy as np

from segue_core.robot_config import ArmConfig, RobotConfig


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


def place_held(robot: RobotConfig, model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Puts the held joints where the contract holds them, and their actuators' targets with them, if there are any."""
    for arm in robot.arms:
        for held in arm.held or ():
            name = f"{arm.name}_{held.joint}"
            data.qpos[model.joint(name).qposadr[0]] = held.position
            if model.nu:
                data.ctrl[model.actuator(name).id] = held.position


def held_positions(robot: RobotConfig, data: mujoco.MjData) -> dict[str, float]:
    """Where the held joints are now [rad] or [m], by their names in the compiled model."""
    names = [f"{arm.name}_{held.joint}" for arm in robot.arms for held in arm.held or ()]
    return {name: float(np.asarray(data.joint(name).qpos)[0]) for name in names}
