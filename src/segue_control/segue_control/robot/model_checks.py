"""What a contract says about a model file and the file does not have, or does not allow."""

from collections.abc import Iterable, Iterator

import mujoco
import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import ArmConfig, RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name

_SLACK_M = 1e-6


def refuse_unknown_parts(spec: mujoco.MjSpec, config: ArmConfig) -> None:
    """Every joint, body and tendon that an arm's contract names is in its model; ConfigError listing those that are."""
    gripper, held = config.gripper, [held.joint for held in config.held or ()]
    joints, bodies = [joint.name for joint in spec.joints], [body.name for body in spec.bodies]
    _refuse(f"joint of arm '{config.name}'", (*config.joints, *gripper.finger_joints, *held), joints)
    _refuse(f"body of arm '{config.name}'", (config.root, config.tool.body), bodies)
    tendons = [tendon.name for tendon in spec.tendons]
    _refuse(f"tendon of arm '{config.name}'", (gripper.tendon,) if gripper.tendon else (), tendons)


def _refuse(kind: str, named: Iterable[str], there: Iterable[str]) -> None:
    known = {name for name in there if name}
    for name in named:
        if name not in known:
            raise unknown_name(kind, name, known)


def refuse_other_chain(spec: mujoco.MjSpec, config: ArmConfig) -> None:
    """The arm's joints lead from its root to its tool in the contract's order; ConfigError with the model's order."""
    chain = [name for name in reversed(list(_joints_up(spec, config.tool.body))) if name in config.joints]
    if tuple(chain) != config.joints:
        text = f"arm '{config.name}': joints that move its tool '{config.tool.body}', from root to tool"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            text,
            got=", ".join(config.joints),
            expected=f"{', '.join(chain) or 'none'} (the model's own order)",
        )


def _joints_up(spec: mujoco.MjSpec, tool: str) -> Iterator[str]:
    """Joints between the tool's body and the world, the last of the chain first."""
    body = spec.body(tool)
    while body is not None and body.name != "world":
        yield from (joint.name for joint in reversed(body.joints))
        body = body.parent


def refuse_poses_outside(spec: mujoco.MjSpec, robot: RobotConfig, config: ArmConfig) -> None:
    """The arm's part of every named pose is one that its joints may have; ConfigError with joint, angle and limits."""
    margin = robot.limits.position_margin_rad
    for index, name in enumerate(config.joints):
        limits = _limits(spec, name)
        for pose, angles in robot.poses_of(config).items():
            if limits and not limits[0] + margin <= angles[index] <= limits[1] - margin:
                what = "home_rad" if pose == "home" else f"planning pose '{pose}'"
                text = f"arm '{config.name}': {what} of {name}"
                expected = (
                    f"{limits[0]:.4g} to {limits[1]:.4g}, its limits, less position_margin_rad {margin:g}"
                )
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=angles[index], expected=expected)


def _limits(spec: mujoco.MjSpec, name: str) -> tuple[float, float] | None:
    """Limits of a joint [rad] or [m]; None for one that turns for ever."""
    joint = spec.joint(name)
    hinge = joint.type == mujoco.mjtJoint.mjJNT_HINGE
    low, high = np.radians(joint.range) if hinge and spec.compiler.degree else joint.range
    limited = low < high if joint.limited == mujoco.mjtLimited.mjLIMITED_AUTO else bool(joint.limited)
    return (float(low), float(high)) if limited else None


def refuse_no_room(robot: RobotConfig, low: Floats, high: Floats) -> None:
    """Every joint can move between its limits (n,) [rad] less the contract's margin; ConfigError naming the joint."""
    margin = robot.limits.position_margin_rad
    for name, least, most in zip(robot.joint_names, low, high, strict=True):
        if not least < most:
            text = f"robot '{robot.name}': joint '{name}' has no limits in its model"
            do = "give it a range: `model: {repairs: {joints: [{match: ..., range: [...]}]}}`"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=do)
        if not least + margin < most - margin:
            text = f"robot '{robot.name}': position_margin_rad leaves joint '{name}' no room"
            expected = f"below {(most - least) / 2:.4g}, half of its range"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=margin, expected=expected)


def refuse_tools_outside(robot: RobotConfig, pose: str, positions: Iterable[Floats]) -> None:
    """In a named pose every tool, at `positions` (3,) [m], is in the workspace; ConfigError naming place and box."""
    low, high = robot.workspace.low, robot.workspace.high
    for arm, place in zip(robot.arms, positions, strict=True):
        if (place < np.subtract(low, _SLACK_M)).any() or (place > np.add(high, _SLACK_M)).any():
            text = f"robot '{robot.name}': in pose '{pose}' the tool of arm '{arm.name}' is outside of the workspace"
            got = f"({', '.join(f'{number:.3f}' for number in place)}) m"
            do = "make the workspace larger, or begin in another pose: `home_rad`, or the task's `start_pose`"
            expected = f"{list(low)} to {list(high)}"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=got, expected=expected, do=do)


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
