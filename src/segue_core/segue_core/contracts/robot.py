"""The robot contract: one YAML per robot in `config/robots/`, one typed model of it here.

The same contract serves simulation, recording, conversion, training, serving and control; its `fingerprint` travels
with bags, datasets and checkpoints.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from segue_core.action_space import ActionSpace, action_space
from segue_core.contracts.base import StrictModel
from segue_core.contracts.checks import (
    POSE_NUMBERS,
    one_per_joint,
    rates_fit,
    refuse_endless_stops,
    refuse_no_view,
    refuse_twice,
    refuse_unknown_mounts,
    refuse_unreachable,
)
from segue_core.contracts.controller import (
    AnyController,
    CartesianPose,
    ControllerConfig,
    Targets,
    fitting,
    kind_of,
    targets_of,
)
from segue_core.contracts.gripper import GripperConfig
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.model import HeldJoint, ModelFile
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.quantities import (
    Acceleration,
    Angle,
    Direction,
    FileWord,
    Jerk,
    NotNegative,
    PlaceOnBody,
    Positive,
    Quaternion,
    Rate,
    RosFrame,
    RosWord,
    Speed,
    Stiffness,
    Timeout,
    Torque,
    Vector3,
    refuse_reversed,
)
from segue_core.errors import unknown_name

# No part of the fingerprint: they change no recording's meaning.
_APART = {"planning", "hardware", "spectator"}


class ToolFrame(StrictModel):
    """The tool centre point and the orientation that counts as zero rotation."""

    body: str = Field(description="body that carries the tool, as named in the model file")
    position: PlaceOnBody = Field(description="tool centre point in that body's frame [m]")
    quaternion: Quaternion | None = Field(
        default=None,
        description="orientation in that body (w, x, y, z), z out of the hand, default the body's",
    )
    orientation: Literal["nearest"] | None = Field(
        default=None,
        description="of an arm that cannot reach all orientations (fewer than six joints): nearest keeps the position "
        "of a target and takes the orientation nearest to it; without it actions that are tool poses are refused",
    )


class ArmConfig(StrictModel):
    """One arm: where it stands, its joints, its home pose, its tool and its gripper."""

    name: RosWord = Field(description="prefix of the arm's joints, frames and action channels")
    root: str = Field(description="root body of the arm in the model file")
    base_position: Vector3 = Field(description="mounting point in the base frame [m]")
    base_yaw_rad: Angle = Field(default=0.0, description="mounting yaw in the base frame [rad]")
    joints: tuple[str, ...] = Field(
        min_length=1, max_length=64, description="arm joints from base to tool, as named in the model file"
    )
    home_rad: tuple[Angle, ...] = Field(
        description="home pose [rad]; tool pointing down defines zero rotation"
    )
    tool: ToolFrame
    gripper: GripperConfig
    stiffness: tuple[Stiffness, ...] = Field(description="position gain of each joint [N m/rad]")
    damping: tuple[NotNegative, ...] = Field(description="velocity gain of each joint [N m s/rad]")
    torque_n_m: tuple[Torque, ...] = Field(description="largest torque of each joint [N m]")
    held: tuple[HeldJoint, ...] | None = Field(
        default=None, description="joints of the model that are not commanded: a torso, a head, a base"
    )

    @model_validator(mode="after")
    def _one_number_per_joint(self) -> "ArmConfig":
        one_per_joint(
            len(self.joints),
            home_rad=self.home_rad,
            stiffness=self.stiffness,
            damping=self.damping,
            torque_n_m=self.torque_n_m,
        )
        held = [held.joint for held in self.held or ()]
        refuse_twice("joint", [*self.joints, *self.gripper.finger_joints, *held])
        return self

    def joint_names(self) -> tuple[str, ...]:
        """Joint names as published: the arm's name before the model's."""
        return tuple(f"{self.name}_{joint}" for joint in self.joints)


class JointLimits(StrictModel):
    """Bounds that the safety guard enforces on every arm joint, on top of the model's position limits."""

    velocity_rad_s: tuple[Speed, ...] = Field(description="fastest joint speed, one per joint of an arm")
    acceleration_rad_s2: tuple[Acceleration, ...] = Field(
        description="largest joint acceleration, one per joint"
    )
    jerk_rad_s3: tuple[Jerk, ...] = Field(description="largest joint jerk, one per joint")
    position_margin_rad: float = Field(
        default=0.01, ge=0, le=1, description="distance kept from the model's limits"
    )


class Workspace(StrictModel):
    """Axis-aligned box in the base frame that every tool centre point must stay in [m]."""

    low: Vector3 = Field(description="corner with the smallest coordinates")
    high: Vector3 = Field(description="corner with the greatest coordinates")

    @model_validator(mode="after")
    def _a_box(self) -> "Workspace":
        refuse_reversed(self.low, self.high, "workspace")
        return self


class CameraConfig(StrictModel):
    """A camera: on the world (`mount: world`) or on a body of an arm (`mount: left/hand`)."""

    mount: str = Field(description="`world`, or `<arm>/<body>`")
    position: Vector3 = Field(description="optical centre in the mount's frame [m]")
    look_at: Vector3 = Field(description="point on the optical axis in the mount's frame [m]")
    up: Direction = Field(default=(0.0, 0.0, 1.0), description="direction that is up in the picture")
    fovy_deg: float = Field(gt=1, lt=170, description="vertical field of view [deg]")
    width: int = Field(ge=16, le=4096, description="native picture width [pixels]")
    height: int = Field(ge=16, le=4096, description="native picture height [pixels]")
    rate_hz: Rate = Field(default=30.0, description="frames per second")

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "CameraConfig":
        refuse_no_view(self.position, self.look_at, self.up)
        return self


class SpectatorConfig(StrictModel):
    """Where people watch from, in videos, reports and the gallery. No policy sees it."""

    position: Vector3 = Field(description="the eye, in the base frame [m]")
    look_at: Vector3 = Field(description="the middle of the picture, in the base frame [m]")
    fovy_deg: float = Field(default=42.0, gt=1, lt=170, description="vertical field of view [deg]")

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "SpectatorConfig":
        refuse_no_view(self.position, self.look_at, (0.0, 0.0, 1.0))
        return self


class SafetyConfig(StrictModel):
    """Timing and stopping behaviour of the safety guard."""

    command_timeout_s: Timeout = Field(default=0.15, description="age at which a policy command is stale")
    state_timeout_s: Timeout = Field(default=0.1, description="age at which measured joint states are stale")
    robot_timeout_s: Timeout = Field(default=0.04, description="age at which the robot side stops by itself")
    max_tool_step_m: float = Field(
        default=0.05, gt=0, le=1, description="largest move of a tool target in one tick"
    )
    max_tool_turn_rad: float = Field(
        default=0.35, gt=0, le=7, description="largest turn of a tool target in one tick"
    )
    min_self_distance_m: Positive | None = Field(
        default=None, description="distance kept between parts of the robot; without it nothing is checked"
    )


class RobotConfig(StrictModel):
    """A whole robot, as `config/robots/<name>.yaml` describes it."""

    name: FileWord = Field(description="the name used as `robot:=` argument")
    description: str = Field(description="one sentence for people")
    base_frame: RosFrame = Field(default="base_link", description="REP-105 frame: x forward, y left, z up")
    action_space_name: str = Field(description="name of the action space, see segue_core.action_space")
    tick_rate_hz: Rate = Field(default=30.0, description="control ticks per second (f)")
    control_rate_hz: Rate = Field(default=120.0, description="controller updates per second")
    physics_step_s: float = Field(default=0.002, ge=1e-5, le=0.1, description="simulator time step [s]")
    stand: Literal["floor"] | None = Field(
        default=None, description="what is below the base frame: a table's top (nothing said) or the floor"
    )
    model: ModelFile
    controller: ControllerConfig | None = Field(
        default=None, description="what moves the joints, and its gains; nothing said is cartesian_pose"
    )
    arms: tuple[ArmConfig, ...] = Field(min_length=1, max_length=16)
    limits: JointLimits
    workspace: Workspace
    safety: SafetyConfig = SafetyConfig()
    cameras: dict[RosWord, CameraConfig]
    planning: PlanningConfig | None = Field(
        default=None, description="planned moves; None means the defaults"
    )
    hardware: HardwareConfig | None = Field(
        default=None, description="how the real robot is reached; nothing said is a file in config/hardware/"
    )

    spectator: SpectatorConfig | None = Field(
        default=None, description="where people watch from; nothing said is from the front left"
    )

    @model_validator(mode="after")
    def _controller_understands_the_actions(self) -> "RobotConfig":
        space = self.action_space
        if targets_of(space) not in self.control.accepts:
            kinds = ", ".join(kind_of(fit) for fit in fitting(space)) or "none"
            raise ValueError(
                f"controller {self.control.kind!r} does not understand actions of {space.name!r}; "
                f"kinds that do: {kinds}"
            )
        return self

    @model_validator(mode="after")
    def _tool_poses_can_be_reached(self) -> "RobotConfig":
        if targets_of(self.action_space) is not Targets.POSES:
            return self
        for arm in self.arms:
            refuse_unreachable(arm.name, len(arm.joints), arm.tool.orientation, self.action_space.name)
        short = [arm.name for arm in self.arms if len(arm.joints) < POSE_NUMBERS]
        if short and not self.control.nearest_orientation:
            kinds = ", ".join(kind_of(fit) for fit in fitting(self.action_space) if fit.nearest_orientation)
            raise ValueError(
                f"controller {self.control.kind!r} cannot take the nearest orientation that arm {short[0]!r} reaches; "
                f"kinds that can: {kinds}"
            )
        return self

    @model_validator(mode="after")
    def _actions_name_every_arm(self) -> "RobotConfig":
        sizes = {channel.name: channel.size for channel in self.action_space.channels}
        for arm in self.arms:
            joints = sizes.get(f"{arm.name}_joints", len(arm.joints))
            if f"{arm.name}_gripper" not in sizes or joints != len(arm.joints):
                raise ValueError(
                    f"actions of {self.action_space.name!r} do not fit arm {arm.name!r} with {len(arm.joints)} "
                    f"joints; its channels: {', '.join(sizes)}"
                )
        return self

    @model_validator(mode="after")
    def _numbers_fit(self) -> "RobotConfig":
        refuse_twice("arm", [arm.name for arm in self.arms])
        rates_fit(self.tick_rate_hz, self.control_rate_hz, self.physics_step_s)
        one_per_joint(
            max((len(arm.joints) for arm in self.arms), default=0),
            velocity_rad_s=self.limits.velocity_rad_s,
            acceleration_rad_s2=self.limits.acceleration_rad_s2,
            jerk_rad_s3=self.limits.jerk_rad_s3,
        )
        for name, pose in (self.planning or PlanningConfig()).poses.items():
            one_per_joint(len(self.joint_names), **{f"planning pose {name!r}": pose})
            if name == "home":
                raise ValueError("planning pose 'home' is the arms' home_rad; give it another name")
        refuse_endless_stops(
            self.limits.velocity_rad_s, self.limits.acceleration_rad_s2, self.limits.jerk_rad_s3
        )
        refuse_unknown_mounts(
            {name: camera.mount for name, camera in self.cameras.items()}, [arm.name for arm in self.arms]
        )
        return self

    @property
    def control(self) -> AnyController:
        """The controller and its gains."""
        return self.controller or CartesianPose()

    @property
    def action_space(self) -> ActionSpace:
        """The action space that commands and policies of this robot speak, at the robot's tick rate."""
        return action_space(self.action_space_name, self.tick_rate_hz)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """All arm joints as published, arm after arm; grippers are not among them."""
        return tuple(name for arm in self.arms for name in arm.joint_names())

    @property
    def gripper_names(self) -> tuple[str, ...]:
        """Gripper entries as published, one per arm; their position is the opening in [0, 1]."""
        return tuple(f"{arm.name}_gripper" for arm in self.arms)

    @property
    def finger_names(self) -> tuple[str, ...]:
        """Finger joints as published and as in the robot's URDF, gripper after gripper; their positions are SI."""
        return tuple(f"{arm.name}_{joint}" for arm in self.arms for joint in arm.gripper.finger_joints)

    def fingers(self, openings: Sequence[float]) -> tuple[float, ...]:
        """Positions of the finger joints [m or rad] at openings in [0, 1], one per gripper."""
        return tuple(
            closed + opening * (opened - closed)
            for arm, opening in zip(self.arms, openings, strict=True)
            for opened, closed in zip(arm.gripper.opened, arm.gripper.closed, strict=True)
        )

    def pose_rad(self, name: str) -> tuple[float, ...]:
        """Joint positions of a named pose [rad], arm after arm: `home`, or one of `planning.poses`.

        Raises:
            ConfigError: no such pose; the text lists those that there are.
        """
        poses = self._poses()
        if name not in poses:
            raise unknown_name(f"pose of robot {self.name!r}", name, poses)
        return poses[name]

    def poses_of(self, arm: ArmConfig) -> dict[str, tuple[float, ...]]:
        """Joint positions of one arm in every named pose [rad], `home` among them."""
        start = sum(len(other.joints) for other in self.arms[: self.arms.index(arm)])
        return {name: pose[start : start + len(arm.joints)] for name, pose in self._poses().items()}

    def _poses(self) -> dict[str, tuple[float, ...]]:
        home = tuple(angle for arm in self.arms for angle in arm.home_rad)
        return {"home": home, **(self.planning or PlanningConfig()).poses}

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with what the robot is: not with `planning`, `hardware`, `spectator`.

        A field that is None says nothing and does not count. Fields that are added to this file default to None, so
        contracts written before keep their fingerprint, and with it their bags, datasets and checkpoints.
        """
        text = json.dumps(self.model_dump(mode="json", exclude_none=True, exclude=_APART), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
