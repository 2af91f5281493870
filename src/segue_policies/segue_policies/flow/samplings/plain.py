"""A chunk from noise alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_policies.flow.path import sample_plain
from segue_policies.flow.samplings.options import NoOptions, read_options
from segue_policies.flow.scene import Scene


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """Ignores reference and omega."""
    read_options(request, NoOptions)
    return scene.first(sample_plain(scene.velocity(), scene.noise(), scene.num_steps))
