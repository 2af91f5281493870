"""Training samples that correct a plan: the policy's own, seen where it led, and what an expert would do instead.

    row         0 ... d-1     d ... K-1     K ... H-1
    reference   plan          plan          last row repeated
    actions     plan          expert        expert

The first d rows are under way when the answer arrives, so they are part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.action_space import ActionSpace
from segue_core.errors import DataError, ErrorCode
from segue_policies.samples.demonstrations import Demonstrations
from segue_policies.training.seeds import RandomStream, numpy_rng


class Corrections(Protocol):
    """What `segue_data.datasets.corrections.load` gives; arrays may be memory-mapped."""

    @property
    def images(self) -> NDArray[np.uint8]:
        """(n, cameras, h, w, 3) RGB."""
        ...

    @property
    def state(self) -> NDArray[np.float32]:
        """(n, S), measured."""
        ...

    @property
    def reference(self) -> NDArray[np.float32]:
        """(n, H, D), the plan that was being executed."""
        ...

    @property
    def action(self) -> NDArray[np.float32]:
        """(n, H, D), what should have been answered."""
        ...

    @property
    def delay(self) -> int:
        """Rows d of the plan that every answer begins with."""
        ...

    @property
    def known(self) -> int:
        """Rows K of the reference that were planned."""
        ...

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names along axis 1 of `images`."""
        ...

    @property
    def action_space(self) -> ActionSpace:
        """What the D numbers mean."""
        ...


@dataclass(frozen=True, eq=False)
class CorrectionBatch:
    """Physical units: images as in `Batch`, state (B, S), reference and actions (B, H, D)."""

    images: Tensor
    state: Tensor
    reference: Tensor
    actions: Tensor


class CorrectionSource:
    """Random batches, a pure function of (seed, step)."""

    def __init__(
        self,
        corrections: Corrections,
        batch_size: int,
        seed: int,
        embedded: NDArray[np.float16] | None = None,
    ) -> None:
        """`embedded` (n, V, E) replaces the images, see `frozen_views`."""
        self._corrections, self._size, self._seed = corrections, batch_size, seed
        self._images = corrections.images if embedded is None else embedded

    @property
    def delay(self) -> int:
        """Rows of the plan that every answer begins with."""
        return self._corrections.delay

    @property
    def known(self) -> int:
        """Planned rows of every reference."""
        return self._corrections.known

    def batch(self, step: int) -> CorrectionBatch:
        """Batch number `step`, drawn with replacement."""
        drawn = numpy_rng(self._seed, RandomStream.CORRECTIONS, step).integers(
            len(self._corrections.action), size=self._size
        )
        data = self._corrections
        images, state, reference, action = (
            torch.from_numpy(np.asarray(values[drawn]))
            for values in (self._images, data.state, data.reference, data.action)
        )
        return CorrectionBatch(images, state, reference, action)


def check_corrections(corrections: Corrections, data: Demonstrations, horizon: int) -> None:
    """Refuse corrections that do not fit the demonstrations beside them.

    Raises:
        DataError: DATA_DATASET_INVALID, naming what differs.
    """
    problems = [
        f"{name}: corrections have {got}, the demonstrations {expected}"
        for name, got, expected in (
            ("cameras", corrections.cameras, data.cameras),
            ("action space", corrections.action_space.fingerprint(), data.action_space.fingerprint()),
            ("image size", corrections.images.shape[2:4], data.images.shape[2:4]),
            ("width of the state", corrections.state.shape[1], data.state.shape[1]),
        )
        if got != expected
    ]
    if corrections.action.shape[1] != horizon or corrections.reference.shape != corrections.action.shape:
        problems.append(
            f"chunks of {corrections.action.shape[1:]} and references of {corrections.reference.shape[1:]}, "
            f"horizon {horizon}"
        )
    if not 0 <= corrections.delay <= corrections.known <= horizon:
        problems.append(f"delay {corrections.delay} and planned rows {corrections.known} of {horizon}")
    if len(corrections.action) == 0:
        problems.append("no samples")
    if problems:
        raise DataError(ErrorCode.DATA_DATASET_INVALID, "corrections: " + "; ".join(problems))
