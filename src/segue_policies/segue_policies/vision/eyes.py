"""From pictures to what a network is given: two steps, with room for augmentation between them.

    uint8 pictures --show--> normalised pictures --look--> pixels as they are, or the map of a frozen trunk

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


class Eyes(Protocol):
    """See above; both steps keep batch, earlier observations and cameras apart."""

    def show(self, images: Tensor) -> Tensor:
        """`(..., cameras, h, w, 3)` uint8 to `(..., cameras, 3, h, w)`, zero mean and about unit deviation."""
        ...

    def look(self, shown: Tensor) -> Tensor:
        """What the network is given, `(..., cameras, C, h', w')`."""
        ...

    def to(self, device: torch.device) -> Eyes:
        """The same where the network is."""
        ...


@dataclass(frozen=True)
class Pixels:
    """Pictures as they are."""

    normaliser: Normaliser

    def show(self, images: Tensor) -> Tensor:
        """As `Normaliser.encode_images`."""
        return self.normaliser.encode_images(images)

    def look(self, shown: Tensor) -> Tensor:
        """Unchanged."""
        return shown

    def to(self, device: torch.device) -> Pixels:
        """Nothing to move."""
        del device
        return self


@dataclass(frozen=True)
class TrunkEyes:
    """The map of a frozen trunk, rounded to half precision as the cache has it."""

    trunk: EfficientNetLite0
    record: TrunkRecord

    def show(self, images: Tensor) -> Tensor:
        """In the trunk's own units, of the cameras' size."""
        return ((images.float() - 127.0) / 128.0).movedim(-1, -3)

    @torch.no_grad()
    def look(self, shown: Tensor) -> Tensor:
        """Enlarged, and through the trunk."""
        pictures = shown.flatten(0, -4)
        maps = [self._map(few) for few in pictures.split(_AT_ONCE if pictures.is_cpu else len(pictures))]
        rounded: Tensor = torch.cat(maps).half().float().unflatten(0, shown.shape[:-3])
        return rounded

    def _map(self, pictures: Tensor) -> Tensor:
        if self.record.enlarge > 1:
            pictures = functional.interpolate(
                pictures, scale_factor=self.record.enlarge, mode="bilinear", align_corners=False
            )
        found: Tensor = self.trunk(pictures)
        return found

    def to(self, device: torch.device) -> TrunkEyes:
        """A copy where the network is; itself if it is there."""
        there = next(self.trunk.buffers()).device
        return self if there == device else TrunkEyes(self.trunk.to(device), self.record)


def chosen_eyes(encoder: EncoderConfig, normaliser: Normaliser) -> Eyes:
    """Those of a training.

    Raises:
        ConfigError: the trunk's weights are not installed. PolicyError: they are damaged.
    """
    if encoder.trunk == "none":
        return Pixels(normaliser)
    trunk, digest = load_trunk()
    return TrunkEyes(trunk, TrunkRecord(trunk=encoder.trunk, enlarge=encoder.enlarge, digest=digest))


def trained_eyes(record: TrunkRecord | None, normaliser: Normaliser, folder: Path) -> Eyes:
    """Those that the checkpoint in `folder` was trained with.

    Raises:
        ConfigError: as `chosen_eyes`. PolicyError: CHECKPOINT_MISMATCH, the installed trunk is another one.
    """
    if record is None:
        return Pixels(normaliser)
    trunk, digest = load_trunk()
    if digest != record.digest:
        text = f"checkpoint {folder}: its trunk {record.trunk} is not the installed one"
        raise PolicyError(
            ErrorCode.CHECKPOINT_MISMATCH, text, got=digest[:16], expected=record.digest[:16], do=INSTALL
        )
    return TrunkEyes(trunk, record)


def record_of(eyes: Eyes) -> TrunkRecord | None:
    """What a checkpoint is to say of them."""
    return eyes.record if isinstance(eyes, TrunkEyes) else None
