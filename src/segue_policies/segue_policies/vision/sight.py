"""What a learner asks of pictures: batches of them, augmented ones to train on, plain ones to judge by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.errors import DataError, ErrorCode
from segue_policies.samples.augmentation import jitter
from segue_policies.samples.batches import Batch, BatchSource, ByFrame, Column, read_batch
from segue_policies.samples.demonstrations import ChunkDataset, Demonstrations
from segue_policies.samples.normaliser import Normaliser
from segue_policies.training.config import MethodConfig, TrainingConfig
from segue_policies.vision.config import TrunkRecord, given_by
from segue_policies.vision.feature_cache import FeatureCache, cached_features, encode_all
from segue_policies.vision.picture_encoder import PictureEncoder, TrunkEncoder, chosen_encoder, record_of

Columns = Mapping[str, Column]


@dataclass(frozen=True, eq=False)
class Sight:
    """Pixels, or the cached maps of a frozen trunk, behind the same four questions."""

    picture_encoder: PictureEncoder
    features: FeatureCache | None
    training: TrainingConfig

    @property
    def record(self) -> TrunkRecord | None:
        """What the checkpoint says of the trunk, if there is one."""
        return record_of(self.picture_encoder)

    @property
    def digest(self) -> str:
        """Of the trunk's weights; empty: none."""
        return self.record.digest if self.record else ""

    def described(self) -> dict[str, Any]:
        """The part of a checkpoint's `config.yaml` that says how its network is shown pictures."""
        return {"encoder": self.record.model_dump(mode="json")} if self.record else {}

    def part(self, part: ChunkDataset) -> ChunkDataset:
        """The frames of `part` that there are pictures of.

        Raises:
            DataError: none.
        """
        if self.features is None:
            return part
        frames = self.features.has(part.frames)
        if len(frames) == 0:
            text = f"none of {len(part.frames)} frames is a multiple of encoder.every"
            raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do="lower encoder.every")
        return replace(part, frames=frames)

    def source(
        self, part: ChunkDataset, embedded: ByFrame | None = None, columns: Columns | None = None
    ) -> BatchSource:
        """Shuffled training batches of `part`; `embedded` replaces the pictures, see `frozen_views`."""
        training = self.training
        instead = self.features if embedded is None else embedded
        return BatchSource(part, training.part_size, training.shift_pixels, training.seed, instead, columns)

    def read(self, part: ChunkDataset, frames: NDArray[np.int64], columns: Columns | None = None) -> Batch:
        """The samples at `frames` (n,) of `part`, plain."""
        return read_batch(part, frames, None if self.features is None else self.features[frames], columns)

    def augmented(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What the network is given in training, (..., cameras, C, h', w'), of images (..., cameras, h, w, 3) there.

        Cached maps are drawn views already.
        """
        if images.dtype != torch.uint8:
            return images.float()
        training, picture_encoder = self.training, self.picture_encoder.to(images.device)
        return picture_encoder.encode(
            jitter(picture_encoder.normalise(images), training.brightness, training.colour, generator)
        )

    def plain(self, images: Tensor) -> Tensor:
        """That without augmentation, of the same shape."""
        if images.dtype != torch.uint8:
            return images.float()
        picture_encoder = self.picture_encoder.to(images.device)
        return picture_encoder.encode(picture_encoder.normalise(images))

    def encoded(self, images: NDArray[np.uint8]) -> NDArray[np.float16] | None:
        """Maps (n, cameras, C, h', w') of pictures (n, cameras, h, w, 3) of no demonstration; None: draw those."""
        return (
            encode_all(images, self.picture_encoder)
            if isinstance(self.picture_encoder, TrunkEncoder)
            else None
        )


def sight_of(
    config: MethodConfig, data: Demonstrations, normaliser: Normaliser, history: Sequence[int] = (0,)
) -> Sight:
    """The sight that `config.encoder` asks for; the first time it encodes the demonstrations' pictures.

    Raises:
        ConfigError, PolicyError: as `chosen_encoder`. DataError: as `cached_features`.
    """
    picture_encoder = chosen_encoder(config.encoder, normaliser)
    if not isinstance(picture_encoder, TrunkEncoder):
        return Sight(picture_encoder, None, config.training)
    given = given_by(config.encoder, size_of(data))
    features = cached_features(data, picture_encoder, given, config.encoder, config.training, history)
    return Sight(picture_encoder, features, config.training)


def size_of(data: Demonstrations) -> tuple[int, int]:
    """Width and height of the pictures [px]."""
    height, width = data.images.shape[2:4]
    return width, height
