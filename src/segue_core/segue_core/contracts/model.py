"""What a robot contract says about its model files: where they are, how they are repaired, which joints are held.

Model files are made for other programs: their arms hang on mocap bodies, their dampings stop every motion, their
fingers weigh kilogrammes. Repairs are written down in the contract, where they can be read, and applied to the
description in memory; the file itself is never changed.
"""

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from segue_core.contracts.base import FOLDER, StrictModel
from segue_core.contracts.quantities import Angle, NotNegative, Number, Positive, Range


class JointRepair(StrictModel):
    """New numbers for the joints whose names match; what is None stays as the file has it."""

    match: str = Field(description="shell pattern of joint names, such as *_roll_joint")
    kind: Literal["hinge", "slide"] | None = Field(default=None, description="what the joint should be")
    range: Range | None = Field(default=None, description="position limits [rad] or [m]")
    damping: NotNegative | None = Field(default=None, description="[N m s/rad] or [N s/m]")
    armature: NotNegative | None = Field(
        default=None, description="inertia of the motor, as the joint feels it [kg m^2] or [kg]"
    )
    friction: NotNegative | None = Field(default=None, description="dry friction [N m] or [N]")
    stiffness: NotNegative | None = Field(default=None, description="spring of the joint [N m/rad] or [N/m]")


class BodyRepair(StrictModel):
    """A new mass for the bodies whose names match; the inertia scales with it."""

    match: str = Field(description="shell pattern of body names")
    mass: Positive = Field(description="[kg]")


class ModelRepairs(StrictModel):
    """What of a model file does not fit a robot that its own motors hold and move."""

    strip_prefix: str | None = Field(
        default=None, description="taken off the front of the names in the file, before anything else"
    )
    drop_equalities: bool = Field(
        default=False, description="leave out welds and couplings, such as to a mocap body"
    )
    root_at_origin: bool = Field(
        default=False,
        description="the root body stands where the contract says, without the file's own offset",
    )
    joints: tuple[JointRepair, ...] = Field(
        default=(), description="in this order; the last one that matches wins"
    )
    bodies: tuple[BodyRepair, ...] = ()
    tendons: dict[str, Annotated[dict[str, Number], Field(min_length=1)]] = Field(
        default={}, description="new fixed tendons by name: coefficients by joint; its joints move alike"
    )


class HeldJoint(StrictModel):
    """A joint that no command moves: its motor holds it where the contract says."""

    joint: str = Field(description="as named in the model file, after strip_prefix")
    position: Angle = Field(description="where it is held [rad] or [m]")
    stiffness: Positive = Field(description="position gain [N m/rad] or [N/m]")
    damping: Positive = Field(description="velocity gain [N m s/rad] or [N s/m]")
    force: Positive = Field(description="largest torque [N m] or force [N]")


class Attachment(StrictModel):
    """A second model file that is mounted on the first, such as a hand on an arm."""

    file: str = Field(description="path of the MJCF or URDF file, as the model's")
    package: str | None = Field(default=None, description="Python package that ships it, default the model's")
    site: str = Field(description="site of the model that it is mounted on")
    prefix: str = Field(description="put before all of its names, such as hand_")


class ModelFile(StrictModel):
    """Where the robot's MJCF or URDF lives: inside an installed Python package, or anywhere."""

    package: str | None = Field(
        default=None, description="Python package that ships the model file; nothing said: a plain path"
    )
    file: str = Field(
        description="path of the MJCF or URDF file: inside the package, else absolute or from the contract's folder"
    )
    visuals: Literal["hull", "mesh"] = Field(
        default="hull", description="what cameras see: convex collision hulls (fast) or the detailed meshes"
    )
    attachments: tuple[Attachment, ...] | None = Field(
        default=None, description="further files, mounted one after the other before anything is repaired"
    )
    repairs: ModelRepairs | None = Field(default=None, description="what of the file is changed in memory")
    _folder: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _remember_folder(self, info: ValidationInfo) -> "ModelFile":
        self._folder = (info.context or {}).get(FOLDER, "") if self.package is None else ""
        return self

    @property
    def folder(self) -> str:
        """What a plain path is relative to; empty when the contract was not read from a file."""
        return self._folder
