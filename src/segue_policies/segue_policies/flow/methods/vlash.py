"""VLASH (arXiv 2512.01031): show the state that will be reached when the chunk begins, and let it begin there.

    tick         o ... o+d-1                     o+d ... o+H-1
    state shown  -                               the executing action of tick o+d-1
    answer       what is executing (reference)   rows 0 ... H-d-1 of the sampled chunk

The answer is dated from the observation like any other, so that a scheduler which splices by ticks needs to know
nothing of this: were it late, rows are dropped by their tick. d is the number of rows where omega is 1. Without a
prefix the robot stands, d is 0 and the measured state is shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_policies.flow.methods.options import NoOptions, read_options
from segue_policies.flow.path import sample_plain
from segue_policies.flow.scene import Scene


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """The reference over the prefix, then the sampled rows."""
    read_options(request, NoOptions)
    ahead = int(np.count_nonzero(np.asarray(request.omega) >= 1))
    executing = scene.continued(np.asarray(request.reference, dtype=np.float32))[:ahead]
    reached = replace(scene, state=executing[-1].copy()) if ahead else scene
    chunk = reached.first(sample_plain(reached.velocity(), reached.noise(), reached.num_steps))
    return np.concatenate([executing, chunk[: len(chunk) - ahead]])
