"""What a teleoperation file in `config/teleop/` says: the device, what its controls do, and how fast."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Angle, Number, Positive, Rate, Timeout

Motion = Literal["x", "y", "z", "roll", "pitch", "yaw"]
Action = Literal[
    "gripper", "next_arm", "slow", "stop", "recover",
    "start", "success", "failure", "discard", "again", "take", "give",
]  # fmt: skip

TERMINAL_ACTIONS: dict[str, Action] = {
    "KEY_ENTER": "start",
    "KEY_Y": "success",
    "KEY_N": "failure",
    "KEY_X": "discard",
    "KEY_R": "again",
    "KEY_T": "take",
    "KEY_B": "give",
    "KEY_ESC": "stop",
    "KEY_C": "recover",
}


class Control(StrictModel):
    """An axis or a key that moves the tool while it is deflected or held."""

    moves: Motion = Field(
        description="direction in the base frame: x forward, y left, z up, or a turn about one"
    )
    sign: Literal[-1, 1] = Field(default=1, description="direction of motion for a positive value")
    low: Number = Field(default=0.0, description="value at one end; the device's own report comes first")
    high: Number = Field(default=1.0, description="value at the other end")
    deadzone: float = Field(default=0.0, ge=0, lt=1, description="deflection that counts as none")


class LeaderConfig(StrictModel):
    """A second arm, moved by hand, that the robot follows joint by joint."""

    topic: str = Field(default="leader/joint_states", description="sensor_msgs/JointState of the leader")
    joints: dict[str, str] = Field(
        default_factory=dict, description="our joint: the leader's, where the names differ"
    )
    signs: dict[str, Literal[-1, 1]] = Field(default_factory=dict, description="our joint: its direction")
    offsets_rad: dict[str, Angle] = Field(default_factory=dict, description="our joint: added [rad]")
    timeout_s: Timeout = Field(default=0.2, description="a leader silent for so long is gone")
    approach_m_s: float = Field(
        default=0.15, gt=0, le=10, description="speed of the way to a leader that is elsewhere"
    )
    close_m: Positive = Field(
        default=0.02, description="distance at which the robot counts as with the leader"
    )


class TeleopConfig(StrictModel):
    """A file of `config/teleop/`."""

    description: str = Field(description="one sentence for people")
    device: Literal["gamepad", "keyboard", "leader", "replay"] = Field(
        description="what commands: a person's device, or a bag"
    )
    sample_rate_hz: Rate = Field(default=30.0, description="how often the controls are looked at")
    speed_m_s: float = Field(default=0.2, gt=0, le=10, description="speed of the tool at full deflection")
    turn_rad_s: float = Field(
        default=0.8, gt=0, le=20, description="turning speed of the tool at full deflection"
    )
    slow_factor: float = Field(default=0.3, gt=0, le=1, description="speeds while `slow` is held")
    leash_m: float = Field(
        default=0.08, gt=0, le=1, description="how far the target may run ahead of the tool"
    )
    key_hold_s: Timeout = Field(
        default=0.25, description="how long a key of a terminal counts as held; terminals report no release"
    )
    controls: dict[str, Control] = Field(default_factory=dict, description="axis or key: motion")
    actions: dict[str, Action] = Field(default_factory=dict, description="button or key: what it does")
    terminal: dict[str, Action] = Field(
        default_factory=lambda: dict(TERMINAL_ACTIONS), description="keys of the terminal beside the device"
    )
    leader: LeaderConfig = LeaderConfig()
