"""Settings of the back ends that speak to a robot over ROS topics, as the YAML has them."""

from typing import Literal

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Number, Patience, Positive, Rate, Seconds


class DeviceJoint(StrictModel):
    """A joint as the driver knows it: theirs = offset + scale * ours."""

    name: str = Field(description="name in the driver's messages")
    scale: Number = Field(default=1.0, description="-1 for a joint that turns the other way")
    offset: Number = Field(default=0.0, description="the driver's position when ours is zero [rad]")


class GripperCommand(StrictModel):
    """How a gripper is told to open."""

    kind: Literal["trajectory", "array", "action", "parallel_action", "message", "none"] = Field(
        description="a JointTrajectory, a Float64MultiArray, control_msgs' GripperCommand or ParallelGripperCommand "
        "action, another message with `type` and `field`, or a gripper that is only watched"
    )
    topic: str = Field(default="", description="topic, or name of the action")
    type: str = Field(
        default="",
        description="pkg/msg/Name for kind `message`; pkg/action/Name for an action of the driver's own",
    )
    fields: tuple[str, ...] = Field(
        default=(), description="fields that all get the value, for kind `message` or of an action's goal"
    )
    force_n: Positive | None = Field(default=None, description="largest force, for actions [N]")
    duration_s: Seconds = Field(default=0.2, description="time to get there, for trajectories [s]")
    rate_hz: Rate = Field(default=20.0, description="at most so many commands per second")
    cancel: bool = Field(
        default=False,
        description="for actions: a new target cancels the goal under way; else it is sent when that has ended",
    )
    patience_s: Patience = Field(
        default=10.0,
        description="for actions: a goal is cancelled for a new target after so long at the latest [s]",
    )


class GripperMap(StrictModel):
    """A gripper as the driver knows it: our opening 0 is its `closed`, 1 its `open`, in its own units."""

    joint: str = Field(
        default="",
        description="joint in the driver's states that tells the opening; empty: it is taken to be where it was sent",
    )
    closed: Number = Field(description="the driver's value when closed")
    open: Number = Field(description="the driver's value when open")
    command: GripperCommand


class StateTopic(StrictModel):
    """A topic with measured joints: sensor_msgs/JointState, or another message with one field per joint."""

    topic: str = Field(description="its name; without a slash in front it is in the node's namespace")
    type: str = Field(default="sensor_msgs/msg/JointState", description="message type")
    fields: dict[str, str] = Field(
        default={},
        description="for another type: the driver's joint names and the fields with their positions",
    )
    scale: Number = Field(default=1.0, description="theirs to [rad], such as 0.01745329 for degrees")


class CommandTopic(StrictModel):
    """A topic that moves joints."""

    kind: Literal[
        "joint_trajectory", "position_array", "velocity_array", "joint_state", "pose", "message"
    ] = Field(
        description="JointTrajectory; Float64MultiArray of positions or of velocities; JointState; PoseStamped of "
        "a tool for Cartesian controllers; or any message with one field per joint"
    )
    topic: str = Field(description="its name; without a slash in front it is in the node's namespace")
    joints: tuple[str, ...] = Field(
        default=(), description="our names, in the controller's order; all when empty"
    )
    arm: str = Field(default="", description="for kind `pose`: whose tool")
    frame: str = Field(default="", description="for kind `pose`: frame of the pose, default the base frame")
    type: str = Field(default="", description="for kind `message`: its type, such as pkg/msg/Name")
    fields: tuple[str, ...] = Field(default=(), description="for kind `message`: its fields, joint by joint")
    grippers: dict[str, str] = Field(
        default={}, description="for kind `message`: our grippers that travel in it, and their fields"
    )
    constants: dict[str, Number] = Field(
        default={}, description="for kind `message`: fields that never change"
    )
    quantity: Literal["position", "velocity"] = Field(default="position", description="for kind `message`")
    scale: Number = Field(
        default=1.0, description="for kind `message`: [rad] to theirs, 57.29578 for degrees"
    )
    rate_hz: Rate | None = Field(
        default=None, description="send at exactly this rate; as commands come when empty [Hz]"
    )
    watchdog: bool = Field(
        default=False,
        description="the robot's side stops by itself when speeds stop coming; without that, speeds are refused",
    )
    gain_per_s: Positive = Field(default=4.0, description="pull towards the position, for velocities [1/s]")
    lead_s: float = Field(
        default=0.0,
        ge=0,
        le=0.2,
        description="how far ahead trajectories are stamped where the controller splices them; 0: not at all [s]",
    )

    @model_validator(mode="after")
    def _speeds_need_somebody_who_stops(self) -> "CommandTopic":
        if self.velocities and not self.watchdog:
            raise ValueError(
                f"{self.topic}: a joint that was given a speed keeps it when this process dies; say `watchdog: true` "
                "when the robot's own side stops it, else command positions"
            )
        if self.kind == "message" and not (self.type and self.fields):
            raise ValueError(f"{self.topic}: kind `message` needs `type` and `fields`")
        return self

    @property
    def velocities(self) -> bool:
        """Whether this topic takes speeds, which somebody must set to zero in the end."""
        return self.kind == "velocity_array" or (self.kind == "message" and self.quantity == "velocity")


class TopicOptions(StrictModel):
    """Options of the back ends `ros2_control` and `topics`."""

    states: tuple[StateTopic, ...] = Field(min_length=1, description="where measured joints come from")
    joints: dict[str, str | DeviceJoint] = Field(
        default={}, description="our joint names and theirs; the same where nothing is said"
    )
    grippers: dict[str, GripperMap] = Field(description="our gripper names and how each is reached")
    commands: tuple[CommandTopic, ...] = Field(min_length=1, description="what moves the joints")
