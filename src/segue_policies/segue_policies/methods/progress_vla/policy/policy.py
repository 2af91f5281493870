"""A trained ProgressVLA checkpoint behind the policy protocol: guided and unguided by the same weights."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor

from segue_core.blending import continuous
from segue_core.contracts.base import parse_model
from segue_core.errors import ErrorCode, PolicyError
from segue_core.policy import PredictRequest, PredictResult
from segue_core.progress.instructions import KNOWN, familiarity
from segue_core.sampling import PLAIN, NoOptions, RtcSampling, needed_for
from segue_policies.checkpoints.checkpoint import inspect_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.methods.progress_vla.method import SERVED
from segue_policies.methods.progress_vla.policy.config import PolicyOptions, PolicyTraining
from segue_policies.methods.progress_vla.policy.learner import networks
from segue_policies.methods.progress_vla.policy.model import PolicyNet, build_network
from segue_policies.methods.progress_vla.policy.sampling import Continued, Guided, draw
from segue_policies.networks.words import word_rows
from segue_policies.request_checks import check_served, read_options
from segue_policies.supervised.policy import Seen, SupervisedPolicy
from segue_policies.vision.picture_encoder import PictureEncoder


class ProgressVlaPolicy(SupervisedPolicy):
    """An answer is a function of the request, whose seed decides the noise, and of the guidance; it tells progress."""

    network, settings = build_network, PolicyTraining
    capabilities = needed_for(SERVED)

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder; raises as `SupervisedPolicy`."""
        super().__init__(deployment)
        config = inspect_checkpoint(deployment.folder(), deployment.method, deployment.expected)
        self._instructions = tuple((config.settings.model_extra or {}).get("instructions", ()))
        self._guidance = parse_model(dict(deployment.options), PolicyOptions, "policy_options").guidance
        self._progress: float | None = None

    @property
    def net(self) -> PolicyNet:
        """Its networks."""
        return cast(PolicyNet, self._net)

    @property
    def picture_encoder(self) -> PictureEncoder:
        """What stands before them."""
        return self._picture_encoder

    def check(self, request: PredictRequest) -> None:
        """One of `SERVED`."""
        check_served(request, self._info.name, SERVED)

    def predict(self, request: PredictRequest) -> PredictResult:
        """As of every trained network; the chunk has the progress now. An unknown instruction has none."""
        result = super().predict(request)
        if self._knows(request):
            return replace(result, chunk=replace(result.chunk, progress=self._progress))
        guided = ", and nothing guides" if self._guidance else ""
        text = (
            f"the instruction {request.instruction!r} was never seen in training: no progress is told{guided}"
        )
        return replace(result, notes=(text,))

    def chunk(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Normalised rows `(1, H, D)` by the sampling of the request; `plain` ignores reference and omega."""
        first, now = seen.images.unbind(1)
        net = self.net
        language = net.settings.progress
        rows = word_rows(request.instruction, language.longest, language.word_buckets)
        words = torch.from_numpy(rows)[None].to(now.device)
        guided, knows = None, self._knows(request)
        if knows:
            self._progress = self._told(net.evaluator(first, now, words))
        if knows and self._guidance:
            tokens = net.evaluator.world.observe(now)
            guided = Guided(partial(net.evaluator.after, first, tokens, words), self._guidance)
        context = net(now, seen.state[:, -1], words)
        continued = self._continued(seen, request)
        return draw(networks(net, context), net.settings.diffusion, self._noise(request), guided, continued)[
            1
        ]

    def _knows(self, request: PredictRequest) -> bool:
        return familiarity(request.instruction, self._instructions) >= KNOWN

    def _told(self, progress: Tensor) -> float:
        value = float(progress[0])
        if not np.isfinite(value):
            text = f"{self._info.name}: the progress is not finite"
            raise PolicyError(ErrorCode.POLICY_NOT_FINITE, text, got=value, expected="a number in [0, 1]")
        return value

    def _noise(self, request: PredictRequest) -> tuple[Tensor, Tensor]:
        generator, world = (
            torch.Generator().manual_seed(request.seed),
            self.net.settings.world,
        )
        shapes = (world.latents, world.latent_width), (self._info.horizon, self._info.action_space.dim)
        first, second = (torch.randn((1, *shape), generator=generator).to(self._device) for shape in shapes)
        return first, second

    def _continued(self, seen: Seen, request: PredictRequest) -> Continued | None:
        """The chunk alone hears of the reference; the latent action is planned without it."""
        if request.sampling == PLAIN.name:
            read_options(request, NoOptions)
            return None
        weight = read_options(request, RtcSampling).max_guidance_weight
        omega = torch.from_numpy(np.asarray(request.omega, np.float32))[None].to(seen.state)
        rows, space = np.asarray(request.reference, np.float32), self._info.action_space
        if seen.measured.shape[1] == space.dim:  # no angle leaps by a turn from the measured state on
            rows = continuous(space, rows, seen.measured[0].cpu().numpy()).astype(np.float32)
        reference = torch.from_numpy(rows)[None].to(seen.state)
        return Continued(omega, self._normaliser.encode_actions(reference, seen.measured), weight)
