"""What a network of one forward pass is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from segue_core.history import Offsets
from segue_policies.training.config import MethodConfig
from segue_policies.vision.config import PIXELS


class ChunkConfig(MethodConfig):
    """Settings of a training; a method adds its own, which its network is built from and its checkpoints keep."""

    horizon: int = Field(default=30, ge=1, le=1024, description="rows H of a chunk")
    history: Offsets = Field(
        default=(0,), description="observations shown, in ticks from the newest, such as [first, -1, 0]"
    )

    def own(self) -> dict[str, Any]:
        """The settings that the method has added, as plain data."""
        return self.model_dump(mode="json", exclude=set(ChunkConfig.model_fields))


@dataclass(frozen=True)
class Shape:
    """Sizes of what a network sees and answers.

    Args:
        cameras: names, in the order of the images.
        image_size: width and height of what the network is shown, pixels or a frozen trunk's map.
        state: width S of the measured state.
        horizon: rows H of a chunk.
        dim: width D of an action.
        observations: how many T are shown; with more than one, images and states have an axis of them after the batch.
        channels: 3 of pixels, or those of a frozen trunk's map.
    """

    cameras: tuple[str, ...]
    image_size: tuple[int, int]
    state: int
    horizon: int
    dim: int
    observations: int = 1
    channels: int = PIXELS
