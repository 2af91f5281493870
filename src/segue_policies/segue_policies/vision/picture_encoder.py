"""From pictures to what a network is given: two steps, with room for augmentation between them.

    uint8 pictures --normalise--> normalised pictures --encode--> pixels as they are, or the map of a frozen trunk

The same object does it in training, when feature maps are cached, and live.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.samples.normaliser import Normaliser
from segue_policies.vision.config import EncoderConfig, TrunkRecord
from segue_policies.vision.efficientnet_lite import EfficientNetLite0
from segue_policies.vision.weights import INSTALL, load_trunk

_AT_ONCE = 4  # pictures; larger batches leave the processor's caches and take longer per picture


class PictureEncoder(Protocol):
    """See above; both steps keep batch, earlier observations and cameras apart."""

    def normalise(self, images: Tensor) -> Tensor:
        """(..., cameras, h, w, 3) uint8 to (..., cameras, 3, h, w), zero mean and about unit deviation."""
        ...

    def encode(self, normalised: Tensor) -> Tensor:
        """Normalised pictures (..., cameras, 3, h, w) to what the network is given, (..., cameras, C, h', w')."""
        ...

    def to(self, device: torch.device) -> PictureEncoder:
        """The same where the network is."""
        ...


@dataclass(frozen=True)
class Pixels:
    """Pictures as they are."""

    normaliser: Normaliser

    def normalise(self, images: Tensor) -> Tensor:
        """As `Normaliser.encode_images`: (..., cameras, h, w, 3) uint8 to (..., cameras, 3, h, w), in deviations."""
        return self.normaliser.encode_images(images)

    def encode(self, normalised: Tensor) -> Tensor:
        """The pixels as they are, (..., cameras, 3, h, w)."""
        return normalised

    def to(self, device: torch.device) -> Pixels:
        """Nothing to move."""
        del device
        return self


@dataclass(frozen=True)
class TrunkEncoder:
    """The map of a frozen trunk, rounded to half precision as the cache has it."""

    trunk: EfficientNetLite0
    record: TrunkRecord

    def normalise(self, images: Tensor) -> Tensor:
        """(..., cameras, h, w, 3) uint8 to (..., cameras, 3, h, w), about -1 to 1, of the cameras' size."""
        return ((images.float() - 127.0) / 128.0).movedim(-1, -3)

    @torch.no_grad()
    def encode(self, normalised: Tensor) -> Tensor:
        """Enlarged, and through the trunk: (..., cameras, 3, h, w) to its map (..., cameras, C, h', w')."""
        pictures = normalised.flatten(0, -4)
        maps = [self._map(few) for few in pictures.split(_AT_ONCE if pictures.is_cpu else len(pictures))]
        rounded: Tensor = torch.cat(maps).half().float().unflatten(0, normalised.shape[:-3])
        return rounded

    def _map(self, pictures: Tensor) -> Tensor:
        if self.record.enlarge > 1:
            pictures = functional.interpolate(
                pictures, scale_factor=self.record.enlarge, mode="bilinear", align_corners=False
            )
        found: Tensor = self.trunk(pictures)
        return found

    def to(self, device: torch.device) -> TrunkEncoder:
        """A copy where the network is; itself if it is there."""
        there = next(self.trunk.buffers()).device
        return self if there == device else TrunkEncoder(self.trunk.to(device), self.record)


def chosen_encoder(encoder: EncoderConfig, normaliser: Normaliser) -> PictureEncoder:
    """That of a training.

    Raises:
        ConfigError: the trunk's weights are not installed. PolicyError: they are damaged.
    """
    if encoder.trunk == "none":
        return Pixels(normaliser)
    trunk, digest = load_trunk()
    return TrunkEncoder(trunk, TrunkRecord(trunk=encoder.trunk, enlarge=encoder.enlarge, digest=digest))


def trained_encoder(record: TrunkRecord | None, normaliser: Normaliser, folder: Path) -> PictureEncoder:
    """The one that the checkpoint in `folder` was trained with.

    Raises:
        ConfigError: as `chosen_encoder`. PolicyError: CHECKPOINT_MISMATCH, the installed trunk is another one.
    """
    if record is None:
        return Pixels(normaliser)
    trunk, digest = load_trunk()
    if digest != record.digest:
        text = f"checkpoint {folder}: its trunk {record.trunk} is not the installed one"
        raise PolicyError(
            ErrorCode.CHECKPOINT_MISMATCH, text, got=digest[:16], expected=record.digest[:16], do=INSTALL
        )
    return TrunkEncoder(trunk, record)


def record_of(picture_encoder: PictureEncoder) -> TrunkRecord | None:
    """What a checkpoint is to say of it."""
    return picture_encoder.record if isinstance(picture_encoder, TrunkEncoder) else None
