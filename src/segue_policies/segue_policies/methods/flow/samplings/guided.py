"""A reference that enters the sampler by its omega, without settings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_core.sampling import NoOptions
from segue_policies.methods.flow.path import GuidedSampler
from segue_policies.methods.flow.scene import Scene
from segue_policies.request_checks import read_options


def guided(scene: Scene, request: PredictRequest, sampler: GuidedSampler) -> NDArray[np.float32]:
    """The chunk (H, D) that `sampler` draws with the request's omega and reference."""
    read_options(request, NoOptions)
    omega = scene.guidance(request.omega)
    reference = scene.normalised(np.asarray(request.reference, dtype=np.float32))
    noise = scene.noise()
    return scene.first(sampler(scene.guided_velocity(noise), noise, omega, reference, scene.num_steps))
