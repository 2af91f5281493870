"""The gripper of a robot contract: fingers on one tendon, or fingers that each have a motor of their own."""

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.checks import refuse_twice
from segue_core.contracts.quantities import Angle, Positive, Vector3


class FingerPad(StrictModel):
    """A flat rubber pad that a finger touches with instead of its own shape."""

    position: Vector3 = Field(description="centre in the finger's frame [m]")
    half_size: tuple[Positive, Positive, Positive] = Field(description="half of its edges [m]")


class GripperConfig(StrictModel):
    """A gripper that is commanded by one number, its opening: 0 closed to 1 open.

    Either `tendon` and `open_m`, or `open_position` and `closed_position`. With one joint it is a jaw that closes
    against something that does not move, the second of `finger_bodies`.
    """

    finger_joints: tuple[str, ...] = Field(
        min_length=1,
        description="finger joints, as named in the model file; the first finger is opposed to all others",
    )
    finger_bodies: tuple[str, ...] | None = Field(
        default=None,
        description="bodies that touch, one per finger, at the end of a linkage; default: those that the joints move; "
        "of one moving jaw: the jaw, and the body that it closes against",
    )
    tendon: str | None = Field(
        default=None, description="tendon that moves all fingers, as named in the model file"
    )
    open_m: Positive | None = Field(
        default=None, description="travel of one finger when fully open, on a tendon [m]"
    )
    open_position: tuple[Angle, ...] | None = Field(
        default=None, description="finger joints when fully open, each with its own motor [m] or [rad]"
    )
    closed_position: tuple[Angle, ...] | None = Field(
        default=None, description="finger joints when closed on nothing [m] or [rad]"
    )
    force_n: Positive = Field(description="largest grip force [N]")
    finger_effort: tuple[Positive, ...] | None = Field(
        default=None, description="largest effort of each motor [N] or [N m], default force_n"
    )
    finger_stiffness: Positive | None = Field(
        default=None, description="position gain of a finger [N/m] or [N m/rad], default 3000"
    )
    finger_damping: Positive | None = Field(
        default=None, description="velocity gain of the fingers [N s/m] or [N m s/rad], default 60"
    )
    pad: FingerPad | None = Field(
        default=None,
        description="rubber pad of every finger; default: a Panda's on a tendon, else the fingers' own shapes",
    )
    friction: tuple[Positive, Positive, Positive] | None = Field(
        default=None,
        description="sliding, torsional [m] and rolling [m] friction of what the fingers touch with",
    )
    speed_per_s: Positive = Field(default=4.0, description="fastest change of the opening [1/s]")

    @model_validator(mode="after")
    def _one_drive(self) -> "GripperConfig":
        refuse_twice("finger joint", self.finger_joints)
        refuse_twice("finger body", self.finger_bodies or ())
        drive = (self.tendon, self.open_m, self.open_position, self.closed_position)
        given = [value is not None for value in drive]
        if given not in ([True, True, False, False], [False, False, True, True]):
            raise ValueError("needs either tendon and open_m, or open_position and closed_position")
        if len(self.opened) != len(self.finger_joints) or len(self.closed) != len(self.finger_joints):
            raise ValueError(f"open_position and closed_position need {len(self.finger_joints)} numbers each")
        fingers = max(len(self.finger_joints), 2)
        if len(self.finger_bodies or self.finger_joints) != fingers:
            of_a_jaw = (
                " (the jaw, and the body that it closes against)" if len(self.finger_joints) == 1 else ""
            )
            raise ValueError(f"finger_bodies needs one name per finger, {fingers}{of_a_jaw}")
        if self.finger_effort is not None and len(self.finger_effort) != self.motors:
            raise ValueError(f"finger_effort needs one number per motor, {self.motors}")
        if any(a == b for a, b in zip(self.opened, self.closed, strict=True)):
            raise ValueError("a finger is in the same place open and closed")
        return self

    @property
    def opened(self) -> tuple[float, ...]:
        """Finger joints when fully open, one each [m] or [rad]."""
        return self.open_position or (self.open_m or 0.0,) * len(self.finger_joints)

    @property
    def closed(self) -> tuple[float, ...]:
        """Finger joints when closed on nothing, one each [m] or [rad]."""
        return self.closed_position or (0.0,) * len(self.finger_joints)

    @property
    def efforts(self) -> tuple[float, ...]:
        """Largest effort of each motor [N] or [N m]."""
        return self.finger_effort or (self.force_n,) * self.motors

    @property
    def motors(self) -> int:
        """How many actuators it has: one on a tendon, or one per finger."""
        return 1 if self.tendon is not None else len(self.finger_joints)
