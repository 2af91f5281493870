"""A chunk from noise alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_core.sampling import NoOptions
from segue_policies.methods.flow.path import sample_plain
from segue_policies.methods.flow.scene import Scene
from segue_policies.request_checks import read_options


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """A chunk (H, D) that ignores reference and omega."""
    read_options(request, NoOptions)
    return scene.first(sample_plain(scene.velocity(), scene.noise(), scene.num_steps))
