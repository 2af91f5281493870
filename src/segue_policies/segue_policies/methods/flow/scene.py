"""One observation as the network sees it, and the chunks that are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.action_space import ActionSpace
from segue_core.blending import continuous
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.path import VelocityFn
from segue_policies.methods.flow.variant import Variant
from segue_policies.samples.normaliser import Normaliser
from segue_policies.vision.picture_encoder import PictureEncoder, Pixels


@dataclass(frozen=True)
class TrainedNetwork:
    """The parts of a checkpoint that sampling needs."""

    net: FlowNet
    variant: Variant
    normaliser: Normaliser
    space: ActionSpace
    horizon: int
    picture_encoder: PictureEncoder | None = None  # pixels, in the normaliser's units

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.net.parameters()).device


@dataclass(frozen=True, eq=False)
class Scene:
    """A trained policy in front of one observation.

    Args:
        images: (cameras, h, w, 3) uint8.
        state: (S,) float32, measured, in physical units.
        seed: of the noise.
    """

    trained: TrainedNetwork
    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    seed: int

    @property
    def num_steps(self) -> int:
        """Denoising steps N."""
        return self.trained.net.num_steps

    def velocity(self, count: int = 1) -> VelocityFn:
        """The learned velocity for `count` chunks of this observation; encodes it once."""
        return self.trained.variant.bind(self.trained.net, self._observed().expand(count, -1))

    def guided_velocity(self, noise: Tensor) -> VelocityFn:
        """That for a sampler that begins with `noise` `(1, H, D)` and brings in a reference."""
        return self.trained.variant.bind_guided(self.trained.net, self._observed(), noise)

    def noise(self, count: int = 1) -> Tensor:
        """`(count, H, D)`; the first chunk's noise is the same for every count, and on every device."""
        generator = torch.Generator().manual_seed(self.seed & (2**63 - 1))
        shape = (1, self.trained.horizon, self.trained.space.dim)
        drawn = torch.cat([torch.randn(shape, generator=generator) for _ in range(count)])
        return drawn.to(self.trained.device)

    def guidance(self, omega: NDArray[np.float32]) -> Tensor:
        """An omega (H,) as the network has it, `(1, H)`."""
        return self._tensor(np.asarray(omega, dtype=np.float32))

    def continued(self, reference: NDArray[np.float32]) -> NDArray[np.float32]:
        """A reference (H, D) written so that its numbers go on from the measured state: no angle leaps by a turn."""
        if len(self.state) != self.trained.space.dim:
            return reference
        return continuous(self.trained.space, reference, self.state).astype(np.float32)

    def normalised(self, reference: NDArray[np.float32]) -> Tensor:
        """A reference (H, D) in physical units, `(1, H, D)` as the network has it."""
        rows = self._tensor(self.continued(reference))
        return self.trained.normaliser.encode_actions(rows, self._state)

    def physical(self, chunks: Tensor) -> NDArray[np.float32]:
        """Sampled chunks `(count, H, D)` in physical units."""
        state = self._state.expand(len(chunks), -1)
        decoded: NDArray[np.float32] = self.trained.normaliser.decode_actions(chunks, state).cpu().numpy()
        return decoded

    def first(self, chunks: Tensor) -> NDArray[np.float32]:
        """The first (H, D) of sampled chunks, in physical units."""
        rows: NDArray[np.float32] = self.physical(chunks)[0]
        return rows

    def _observed(self) -> Tensor:
        """The embedding `(1, C)`."""
        normaliser = self.trained.normaliser
        picture_encoder = self.trained.picture_encoder or Pixels(normaliser)
        images = picture_encoder.encode(picture_encoder.normalise(self._tensor(self.images)))
        return self.trained.net.observe(images, normaliser.encode_state(self._state))

    @property
    def _state(self) -> Tensor:
        return self._tensor(self.state)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        """A batch of one, where the network is."""
        return torch.from_numpy(array)[None].to(self.trained.device)
