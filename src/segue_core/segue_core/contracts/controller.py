"""The `controller:` section of a robot contract: which law moves the joints, and its gains.

kind                    what an action says       what goes to the robot
cartesian_pose          tool poses                joint positions
joint_position          joint positions           joint positions
joint_velocity          either                    joint velocities
cartesian_pd_velocity   tool poses                joint velocities
cartesian_impedance     tool poses                joint torques

Without the section a robot has `cartesian_pose`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import NotNegative, Positive, Share
from segue_core.text_enum import TextEnum


class Interface(TextEnum):
    """What the robot side is told for every joint, once per control period."""

    POSITION = "position"  # [rad]
    VELOCITY = "velocity"  # [rad/s]
    EFFORT = "effort"  # [N m]


class Targets(TextEnum):
    """What an action speaks about."""

    POSES = "poses"
    JOINTS = "joints"


def targets_of(space: ActionSpace) -> Targets | None:
    """What the actions of a space speak about; None when it is neither poses alone nor joints alone."""
    kinds = {channel.kind for channel in space.channels} - {ChannelKind.GRIPPER}
    if kinds == {ChannelKind.POSITION, ChannelKind.ROTATION_VECTOR}:
        return Targets.POSES
    return Targets.JOINTS if kinds == {ChannelKind.JOINT} else None


class _Controller(StrictModel):
    accepts: ClassVar[frozenset[Targets]]
    interface: ClassVar[Interface]
    nearest_orientation: ClassVar[bool] = False  # of arms that cannot reach all

    streaming: Literal["b_spline", "quintic"] = Field(
        default="b_spline",
        description="path between ticks: b_spline is two ticks late, quintic one and less smooth",
    )


class CartesianPose(_Controller):
    """Inverse kinematics of the streamed tool pose; the robot follows joint positions."""

    accepts = frozenset({Targets.POSES})
    interface = Interface.POSITION

    nearest_orientation = True

    kind: Literal["cartesian_pose"] = "cartesian_pose"


class JointPosition(_Controller):
    """The streamed joint positions themselves."""

    accepts = frozenset({Targets.JOINTS})
    interface = Interface.POSITION

    kind: Literal["joint_position"] = "joint_position"


class JointVelocity(_Controller):
    """Velocity of the streamed joint path, and what closes the gap to it: v = q_ref' + k (q_ref - q)."""

    accepts = frozenset({Targets.POSES, Targets.JOINTS})
    interface = Interface.VELOCITY

    nearest_orientation = True

    kind: Literal["joint_velocity"] = "joint_velocity"
    position_gain_per_s: NotNegative = Field(default=5.0, description="k [1/s]")


class CartesianPdVelocity(_Controller):
    """PD on the pose of the tool, through the Jacobian to joint velocities (Chain-of-Action, Sec. 5.5)."""

    accepts = frozenset({Targets.POSES})
    interface = Interface.VELOCITY

    kind: Literal["cartesian_pd_velocity"] = "cartesian_pd_velocity"
    linear_p_per_s: Positive = Field(default=8.0, description="speed per position error [1/s]")
    angular_p_per_s: Positive = Field(default=8.0, description="turning speed per angle [1/s]")
    linear_d: Share = Field(default=0.05, description="speed per speed error")
    angular_d: Share = Field(default=0.05, description="turning speed per error of it")
    feed_forward: Share = Field(
        default=1.0, description="share of the target's own speed that is added; 0 is pure PD"
    )
    max_speed_m_s: Positive = Field(default=1.0, description="fastest tool that is asked for [m/s]")
    max_turn_rad_s: Positive = Field(default=3.0, description="fastest turn that is asked for [rad/s]")
    posture_per_s: NotNegative = Field(
        default=0.5, description="how fast motions that leave the tool where it is go home [1/s]"
    )
    manipulability: NotNegative = Field(
        default=0.3,
        description="share of the home pose's manipulability below which joint speeds are damped",
    )
    damping: Positive = Field(default=0.1, description="damping at a singular pose, as a singular value")


class CartesianImpedance(_Controller):
    """A spring and a damper at the tool, as joint torques: tau = J^T (K e + D e') + null space + Coriolis."""

    accepts = frozenset({Targets.POSES})
    interface = Interface.EFFORT

    kind: Literal["cartesian_impedance"] = "cartesian_impedance"
    stiffness_n_m: Positive = Field(default=800.0, description="spring of the tool's position [N/m]")
    stiffness_n_m_rad: Positive = Field(default=40.0, description="spring of its orientation [N m/rad]")
    damping_ratio: Annotated[float, Field(gt=0, le=2)] = Field(
        default=1.0, description="1 is critical for the mass that the tool feels"
    )
    posture_n_m_rad: NotNegative = Field(default=10.0, description="spring of the elbow's posture [N m/rad]")
    max_force_n: Positive = Field(default=60.0, description="largest force of the spring [N]")
    max_torque_n_m: Positive = Field(default=12.0, description="largest torque of the spring [N m]")
    torque_rate_n_m_s: Positive = Field(
        default=1000.0, description="fastest change of a joint's torque [N m/s]"
    )
    gravity: Literal["robot", "controller"] = Field(
        default="robot",
        description="who holds the arm's weight: a Franka and our simulation do it themselves",
    )


ControllerConfig = Annotated[
    CartesianPose | JointPosition | JointVelocity | CartesianPdVelocity | CartesianImpedance,
    Field(discriminator="kind"),
]
AnyController = CartesianPose | JointPosition | JointVelocity | CartesianPdVelocity | CartesianImpedance
CONTROLLERS: tuple[type[AnyController], ...] = (
    CartesianPose,
    JointPosition,
    JointVelocity,
    CartesianPdVelocity,
    CartesianImpedance,
)


def kind_of(controller: type[AnyController]) -> str:
    """The name of a kind of controller."""
    return str(controller.model_fields["kind"].default)


def fitting(space: ActionSpace) -> tuple[type[AnyController], ...]:
    """The kinds of controllers that understand the actions of a space."""
    targets = targets_of(space)
    return tuple(controller for controller in CONTROLLERS if targets in controller.accepts)
