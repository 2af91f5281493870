"""Methods that differ in how a reference enters the sampler, and have no settings.

plain               not at all
legato              before every step, with a velocity trained for it         Legato, Alg. 1
one_shot            in the initial noise                                      Legato, Eq. 4-5
training_time_rtc   clean rows that are set back around every step            arXiv 2512.05964
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_policies.flow import path
from segue_policies.flow.methods.options import NoOptions, read_options
from segue_policies.flow.scene import Scene

Sampler = path.GuidedSampler


def plain(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """Ignores reference and omega."""
    read_options(request, NoOptions)
    return scene.first(path.sample_plain(scene.velocity(), scene.noise(), scene.num_steps))


def legato(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """Guides before every denoising step."""
    return _guided(scene, request, path.sample)


def one_shot(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """Starts from the mixture, then lets go."""
    return _guided(scene, request, path.sample_one_shot)


def training_time_rtc(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """Keeps the rows where omega is 1 as they are; a soft omega counts as free."""
    return _guided(scene, request, path.sample_prefix)


def _guided(scene: Scene, request: PredictRequest, sampler: Sampler) -> NDArray[np.float32]:
    read_options(request, NoOptions)
    omega = scene.guidance(request.omega)
    reference = scene.normalised(np.asarray(request.reference, dtype=np.float32))
    noise = scene.noise()
    return scene.first(sampler(scene.guided_velocity(noise), noise, omega, reference, scene.num_steps))
