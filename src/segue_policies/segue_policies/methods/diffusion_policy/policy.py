"""A trained Diffusion Policy checkpoint behind the policy protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor

from segue_core.blending import continuous
from segue_core.policy import PredictRequest
from segue_core.sampling import BIDIRECTIONAL, PLAIN, RTC, BidirectionalSampling, NoOptions, RtcSampling
from segue_policies.guidance import coherence
from segue_policies.methods.diffusion_policy.config import DiffusionSettings
from segue_policies.methods.diffusion_policy.method import METHODS
from segue_policies.methods.diffusion_policy.model import DiffusionNet, build_network
from segue_policies.methods.diffusion_policy.samplers import Draw, sample_guided
from segue_policies.request_checks import check_served, read_options
from segue_policies.supervised.policy import Seen, SupervisedPolicy

_SEEDS = 2**63


class DiffusionPolicy(SupervisedPolicy):
    """Draws chunks; an answer is a function of the request, whose seed decides the noise."""

    network, settings = build_network, DiffusionSettings
    capabilities = METHODS[0].capabilities

    def check(self, request: PredictRequest) -> None:
        """One of `ANSWERS`."""
        check_served(request, self._info.name, tuple(ANSWERS))

    def chunk(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Normalised rows `(1, H, D)` by the sampling of the request; `plain` ignores reference and omega."""
        return ANSWERS[request.sampling](self, seen, request)

    def plain(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Drawn from noise alone, `(1, H, D)`."""
        read_options(request, NoOptions)
        return self._drawn(seen, request.seed, 1)

    def bidirectional(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Of several the nearest to the reference where omega says so, `(1, H, D)`; the first is the plain chunk."""
        count = read_options(request, BidirectionalSampling).candidates
        drawn, scale = self._drawn(seen, request.seed, count), self._normaliser.action_scale
        chunks = self._normaliser.decode_actions(drawn, seen.measured.expand(count, -1)).cpu().numpy()
        space = self._info.action_space
        apart = coherence.distances(space, chunks, request.reference, request.omega, scale)
        best = int(np.argmin(apart))
        return drawn[best : best + 1]

    def rtc(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Guided by the gradient of every step's estimate (real-time chunking), `(1, H, D)`."""
        weight = read_options(request, RtcSampling).max_guidance_weight
        omega = torch.from_numpy(np.asarray(request.omega, np.float32))[None].to(seen.state)
        net = self._diffusion
        predict = net.bind(net.observe(seen.images, seen.state))
        draw = self._noise(request.seed, 1)
        return sample_guided(predict, net.diffusion, draw, omega, self._reference(seen, request), weight)

    @property
    def _diffusion(self) -> DiffusionNet:
        return cast(DiffusionNet, self._net)

    def _drawn(self, seen: Seen, seed: int, count: int) -> Tensor:
        """`(count, H, D)`."""
        condition = self._diffusion.observe(seen.images, seen.state).expand(count, -1, -1)
        return self._diffusion.sample(condition, self._noise(seed, count))

    def _noise(self, seed: int, count: int) -> Draw:
        """Each chunk has noise of its own, the first one's is the same for every count and on every device."""
        generators = [torch.Generator().manual_seed((seed + k) % _SEEDS) for k in range(count)]
        shape, device = (self._info.horizon, self._info.action_space.dim), self._device
        return lambda: torch.stack([torch.randn(shape, generator=each) for each in generators]).to(device)

    def _reference(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Normalised `(1, H, D)`, written so that no angle leaps by a turn from the measured state on."""
        rows, space = np.asarray(request.reference, np.float32), self._info.action_space
        if seen.measured.shape[1] == space.dim:
            rows = continuous(space, rows, seen.measured[0].cpu().numpy()).astype(np.float32)
        return self._normaliser.encode_actions(torch.from_numpy(rows)[None].to(seen.state), seen.measured)


Answer = Callable[[DiffusionPolicy, Seen, PredictRequest], Tensor]

ANSWERS: Mapping[str, Answer] = {
    PLAIN.name: DiffusionPolicy.plain,
    RTC.name: DiffusionPolicy.rtc,
    BIDIRECTIONAL.name: DiffusionPolicy.bidirectional,
}
"""By the `sampling` of a request; `method.SERVED` has the same names."""
