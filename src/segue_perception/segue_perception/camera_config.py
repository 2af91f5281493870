"""Where a robot's pictures come from when no simulator makes them: `config/cameras/<name>.yaml`."""

from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Number, Patience, Positive, Timeout


class Intrinsics(StrictModel):
    """A calibrated pinhole at the size of the camera's own frames."""

    fx: Positive = Field(description="focal length along the width [pixels]")
    fy: Positive = Field(description="focal length along the height [pixels]")
    cx: Number = Field(description="centre along the width [pixels]")
    cy: Number = Field(description="centre along the height [pixels]")
    distortion: tuple[Number, ...] = Field(
        default=(0.0,) * 5, max_length=14, description="plumb_bob: k1 k2 p1 p2 k3"
    )


class CameraSource(StrictModel):
    """One camera."""

    driver: str = Field(description="realsense, usb, replay or topic, see segue_perception.drivers")
    options: dict[str, Any] = Field(default={}, description="settings of the driver, as it defines them")
    intrinsics: Intrinsics | None = Field(
        default=None, description="calibration; the device's own, else an ideal pinhole, when empty"
    )


class CameraSet(StrictModel):
    """The cameras of one robot, by their names in its contract."""

    description: str = Field(default="", description="one sentence for people")
    silence_s: Timeout = Field(default=1.0, description="a camera without a frame for so long is lost [s]")
    retry_s: Patience = Field(default=1.0, description="pause before a lost camera is opened again [s]")
    cameras: dict[str, CameraSource] = Field(min_length=1)
