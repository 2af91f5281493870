"""How a request is answered: one module per `method`, each with `answer(scene, request) -> (H, D)` in physical units.

Which of them a checkpoint serves is decided by its objective (`segue_policies.serving.SERVES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_policies.flow.methods import bidirectional, guided, rtc, vlash
from segue_policies.flow.scene import Scene

Method = Callable[[Scene, PredictRequest], NDArray[np.float32]]

METHODS: Mapping[str, Method] = {
    "plain": guided.plain,
    "legato": guided.legato,
    "one_shot": guided.one_shot,
    "training_time_rtc": guided.training_time_rtc,
    "rtc": rtc.answer,
    "bidirectional": bidirectional.answer,
    "vlash": vlash.answer,
}
