"""The choice of a frozen trunk, and what a network is given per camera then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, ErrorCode

STRIDE, CHANNELS = 8, 40
"""Of the map that `efficientnet_lite0` makes of a picture."""

PIXELS = 3
"""Channels of a picture."""


class EncoderConfig(StrictModel):
    """Image encoder: trained from its first pixel on, or behind a pretrained trunk that stays as it is."""

    trunk: Literal["none", "efficientnet_lite0"] = Field(
        default="none",
        description="none: an encoder trained from pixels; else its first blocks are these, pretrained and frozen",
    )
    enlarge: int = Field(
        default=2,
        ge=1,
        le=4,
        description="trunk: times that pictures are enlarged before it, for a finer map",
    )
    every: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="trunk: each so-manieth frame is trained on; neighbours are alike",
    )
    views: int = Field(
        default=3,
        ge=1,
        le=64,
        description="trunk: ways in which a frame is cached: plain, the others shifted and relit; 1 where a camera "
        "stands still: a shift moves what it sees by centimetres",
    )
    disk_gb: float = Field(
        default=16.0, gt=0, le=1e5, description="trunk: largest cache of feature maps on the disk [GB]"
    )

    @property
    def frozen(self) -> bool:
        """Whether there is a trunk."""
        return self.trunk != "none"


class TrunkRecord(StrictModel):
    """What a checkpoint says of its trunk, whose weights it does not hold."""

    trunk: Literal["efficientnet_lite0"] = Field(description="name of the trunk")
    enlarge: int = Field(ge=1, le=4, description="times that pictures are enlarged before it")
    digest: str = Field(pattern="^[0-9a-f]{64}$", description="of its weights (SHA-256)")


@dataclass(frozen=True)
class Given:
    """What a network is given per camera.

    Args:
        channels: 3 of pixels, or those of a feature map.
        size: width and height.
    """

    channels: int
    size: tuple[int, int]

    @property
    def pixels(self) -> bool:
        """Whether it is the picture itself."""
        return self.channels == PIXELS


def given_by(encoder: EncoderConfig | TrunkRecord | None, image_size: tuple[int, int]) -> Given:
    """For pictures of (width, height) pixels.

    Raises:
        ConfigError: a trunk, and pictures that its map cannot divide.
    """
    if encoder is None or encoder.trunk == "none":
        return Given(PIXELS, image_size)
    width, height = (size * encoder.enlarge for size in image_size)
    if width % STRIDE or height % STRIDE:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            f"encoder.enlarge of {encoder.trunk}",
            got=f"pictures of {width} x {height}",
            expected=f"multiples of {STRIDE} pixels after enlarging",
        )
    return Given(CHANNELS, (width // STRIDE, height // STRIDE))
