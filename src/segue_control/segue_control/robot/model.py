"""Builds the MuJoCo model of a robot from its contract: arms, tool sites, cameras, position actuators.

The kinematics of the controllers and the simulator's world are compiled from this one description.
"""

from pathlib import Path

import mujoco
import numpy as np

from segue_control.robot.fingers import add_gripper
from segue_control.robot.held import add_held
from segue_control.robot.model_checks import (
    refuse_other_chain,
    refuse_poses_outside,
    refuse_unknown_parts,
)
from segue_control.robot.model_files import load_model_files
from segue_control.robot.repairs import repair
from segue_core.contracts.robot import ArmConfig, CameraConfig, RobotConfig
from segue_core.errors import ConfigError, ErrorCode

# Colours of the convex hulls, by link, when `visuals: hull` (light links, dark hand, as the real arm).
_HULL_LIGHT = (0.88, 0.90, 0.91, 1.0)
_HULL_DARK = (0.22, 0.23, 0.25, 1.0)
_VISUAL_GROUP = 2


def _show_hulls(arm: mujoco.MjSpec) -> None:
    """Drops the detailed meshes and lets cameras see the collision hulls: same shape, far fewer triangles."""
    for body in arm.bodies:
        for geom in list(body.geoms):
            if geom.classname.name == "visual":
                geom.delete()
            else:
                geom.group = _VISUAL_GROUP
                geom.rgba = _HULL_DARK if body.name in ("hand", "link5") else _HULL_LIGHT
    _drop_unused_meshes(arm)


def _drop_unused_meshes(arm: mujoco.MjSpec) -> None:
    """Meshes that no geom has are compiled all the same: a second of every start, and 80 MB of the dual arm's model."""
    used = tuple({geom.meshname for body in arm.bodies for geom in body.geoms} - {""})
    for mesh in list(arm.meshes):
        name = mesh.name or Path(mesh.file).stem
        if not any(shown.endswith(name) for shown in used):  # an attached part's have a prefix
            mesh.delete()


def _position_actuator(
    spec: mujoco.MjSpec, name: str, kind: mujoco.mjtTrn, target: str, kp: float, kd: float
) -> None:
    actuator = spec.add_actuator()
    actuator.name = name
    actuator.trntype = kind
    actuator.target = target
    actuator.gaintype = mujoco.mjtGain.mjGAIN_FIXED
    actuator.biastype = mujoco.mjtBias.mjBIAS_AFFINE
    actuator.gainprm[0] = kp
    actuator.biasprm[1] = -kp
    actuator.biasprm[2] = -kd


def _add_actuators(arm: mujoco.MjSpec, config: ArmConfig) -> None:
    for actuator in list(arm.actuators):
        actuator.delete()
    for joint, kp, kd, torque in zip(
        config.joints, config.stiffness, config.damping, config.torque_n_m, strict=True
    ):
        _position_actuator(arm, joint, mujoco.mjtTrn.mjTRN_JOINT, joint, kp, kd)
        arm.actuators[-1].forcerange = (-torque, torque)
        arm.actuators[-1].forcelimited = True


def _camera_axes(camera: CameraConfig) -> tuple[float, ...]:
    """X and y axis of the picture in the mount's frame: x right, y up, looking along -z (MuJoCo's convention)."""
    backward = np.subtract(camera.position, camera.look_at)
    backward = backward / np.linalg.norm(backward)
    right = np.cross(camera.up, backward)
    right = right / np.linalg.norm(right)
    return (*right, *np.cross(backward, right))


def add_camera(body: mujoco.MjsBody, name: str, camera: CameraConfig) -> None:
    """Adds the camera to a body of a spec."""
    cam = body.add_camera()
    cam.name = name
    cam.pos = camera.position
    cam.alt.type = mujoco.mjtOrientation.mjORIENTATION_XYAXES
    cam.alt.xyaxes = _camera_axes(camera)
    cam.fovy = camera.fovy_deg


def _arm_spec(robot: RobotConfig, config: ArmConfig) -> mujoco.MjSpec:
    arm = load_model_files(robot)
    if robot.model.repairs:
        repair(arm, robot.model.repairs)
    refuse_unknown_parts(arm, config)
    refuse_other_chain(arm, config)
    if robot.model.repairs and robot.model.repairs.root_at_origin:
        arm.body(config.root).pos, arm.body(config.root).quat = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)
    for key in list(arm.keys):
        key.delete()
    for light in list(arm.worldbody.lights):
        light.delete()
    for camera in list(arm.cameras):  # the contract has its own
        camera.delete()
    for texture in [t for t in arm.textures if t.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX]:
        texture.delete()
    refuse_poses_outside(arm, robot, config)
    if robot.model.visuals == "hull":
        _show_hulls(arm)
    _add_actuators(arm, config)
    add_gripper(arm, config.gripper)
    add_held(arm, config)
    for body in arm.bodies:
        body.gravcomp = 1.0
    tool = arm.body(config.tool.body).add_site()
    tool.name, tool.pos, tool.size, tool.group = "tool", config.tool.position, (0.004, 0.004, 0.004), 5
    tool.quat = config.tool.quaternion or (1.0, 0.0, 0.0, 0.0)
    return arm


def robot_spec(robot: RobotConfig) -> mujoco.MjSpec:
    """MuJoCo description of the robot alone, on an empty world.

    Names are `<arm>_<name in the model file>`; each arm has a site `<arm>_tool` and the actuators of its gripper, see
    `segue_control.robot.fingers.actuator_names`, whose controls are positions of the fingers. Cameras are included.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.compiler.autolimits = True
    spec.option.timestep = robot.physics_step_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    for arm in robot.arms:
        frame = spec.worldbody.add_frame()
        frame.pos = arm.base_position
        frame.quat = (np.cos(arm.base_yaw_rad / 2), 0.0, 0.0, np.sin(arm.base_yaw_rad / 2))
        frame.attach_body(_arm_spec(robot, arm).body(arm.root), f"{arm.name}_", "")
    for name, camera in robot.cameras.items():
        add_camera(_mount(spec, name, camera), name, camera)
    return spec


def _mount(spec: mujoco.MjSpec, name: str, camera: CameraConfig) -> mujoco.MjsBody:
    """The body that carries a camera: `<arm>/<body>` is called `<arm>_<body>` once the arm is attached."""
    body = spec.worldbody if camera.mount == "world" else spec.body(camera.mount.replace("/", "_", 1))
    if body is None:
        expected = "`world` or `<arm>/<body of the model file>`"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"camera {name!r}: mount", got=camera.mount, expected=expected
        )
    return body
