"""What is known about Franka robots without talking to one: settings, and what their errors mean."""

from collections.abc import Sequence

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.errors import ControlError, ErrorCode

# Joint stiffness of libfranka's own impedance example [N m/rad].
_STIFFNESS = (600.0, 600.0, 600.0, 600.0, 250.0, 150.0, 50.0)
_PREEMPTED = "preempted"
_HINTS = (
    ("NetworkException", "is the robot on, FCI activated in Desk, and this computer in the robot's network?"),
    ("IncompatibleVersion", "the robot's software needs another libfranka; see docs/hardware.md"),
    (
        "RealtimeException",
        "a kernel with PREEMPT_RT is needed, or realtime: false for a try at your own risk",
    ),
    ("CommandException", "unlock the joints in Desk and release the user stop"),
    ("InvalidOperation", "another program controls the robot"),
)


class FrankaArmOptions(StrictModel):
    """One arm."""

    address: str = Field(description="name or IP address of the robot's control")
    hand: bool = Field(default=True, description="whether a Franka Hand is mounted")


class FrankaOptions(StrictModel):
    """Options of the back end `franka`."""

    arms: dict[str, FrankaArmOptions] = Field(description="arms by their names in the contract")
    realtime: bool = Field(default=True, description="insist on a real-time kernel, as the robot wants")
    stiffness: tuple[Positive, ...] = Field(
        default=_STIFFNESS,
        min_length=7,
        max_length=7,
        description="joint impedance [N m/rad]; critically damped",
    )
    torque_rate: Positive = Field(default=1.0, le=1.0, description="fastest change of a torque [N m] per ms")
    hand_speed_m_s: Positive = Field(default=0.1, description="speed of the hand's width [m/s]")
    hand_force_n: Positive = Field(default=40.0, description="grip force [N]")
    collision_torque_n_m: Positive = Field(
        default=40.0, description="torque at which a reflex stops an arm [N m]"
    )
    collision_force_n: Positive = Field(default=40.0, description="force at which a reflex stops an arm [N]")


def was_preempted(text: str) -> bool:
    """Whether libfranka only says that a newer motion took over."""
    return _PREEMPTED in text


def franka_error(arm: str, kind: str, text: str, reflexes: Sequence[str] = ()) -> ControlError:
    """What an exception of libfranka (its class name `kind`) means to us.

    `reflexes` are the robot's error flags, such as "joint_reflex", which say more than the exception does.
    """
    hint = next((hint for start, hint in _HINTS if kind.startswith(start)), "")
    parts = [f"franka arm '{arm}': {text.strip() or kind}"]
    parts += [f"reflex: {', '.join(reflexes)}"] if reflexes else []
    parts += [hint] if hint else []
    return ControlError(ErrorCode.CONTROL_HARDWARE, "; ".join(parts))
