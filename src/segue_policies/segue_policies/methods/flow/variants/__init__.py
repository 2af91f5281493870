"""The variants: one module each says what is learned, and how a request is answered; network, data and loop are one.

    module              path Y_t from t = 0                 condition   loss on     shown state
    flow                eps                                 0           all rows    measured
    legato              omega A + (1 - omega) eps           omega       all rows    measured
    one_shot            omega A + (1 - omega) eps           0           all rows    measured
    training_time_rtc   A on d rows, eps behind             per token   postfix     measured
    vlash               eps                                 0           all rows    d ticks ahead

"condition" is the condition row, the extra feature of each noisy row. Only Legato's velocity is reshaped, because only
its sampler guides before every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_policies.methods.flow.samplings import bidirectional, plain, rtc
from segue_policies.methods.flow.scene import Scene
from segue_policies.methods.flow.variant import Variant
from segue_policies.methods.flow.variants import flow, legato, one_shot, training_time_rtc, vlash

Answer = Callable[[Scene, PredictRequest], NDArray[np.float32]]

VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        legato.Legato(),
        flow.Flow(),
        training_time_rtc.TrainingTimeRtc(),
        one_shot.OneShot(),
        vlash.Vlash(),
    )
}
"""By name, the `method` of a configuration and of a checkpoint."""

ANSWERS: Mapping[str, Answer] = {
    "plain": plain.answer,
    "rtc": rtc.answer,
    "bidirectional": bidirectional.answer,
    "legato": legato.answer,
    "one_shot": one_shot.answer,
    "training_time_rtc": training_time_rtc.answer,
    "vlash": vlash.answer,
}
"""By the `sampling` of a request; `flow.method.serves` says which of them a variant serves."""
