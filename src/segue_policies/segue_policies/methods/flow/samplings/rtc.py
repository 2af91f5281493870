"""Real-time chunking (arXiv 2506.07339): gradient guidance at every denoising step; see `guidance/rtc.py`.

The velocity is that of a free chunk, with nothing told in the condition row: omega only masks the error.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.policy import PredictRequest
from segue_core.sampling import RtcSampling
from segue_policies.guidance.rtc import sample_masked
from segue_policies.methods.flow.scene import Scene
from segue_policies.request_checks import read_options


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """One chunk (H, D); a step costs a forward and a backward pass."""
    options = read_options(request, RtcSampling)
    omega = scene.guidance(request.omega)
    reference = scene.normalised(np.asarray(request.reference, dtype=np.float32))
    guided = scene.velocity()
    free = torch.zeros_like(omega)

    def velocity(noisy: Tensor, t: Tensor) -> Tensor:
        return guided(noisy, t, free)

    chunk = sample_masked(
        velocity, scene.noise(), omega, reference, scene.num_steps, options.max_guidance_weight
    )
    return scene.first(chunk)
