"""What a flow policy learns: one module per objective, all on one network, data and loop.

    module              path Y_t from t = 0                 told        loss on     shown state
    flow                eps                                 0           all rows    measured
    legato              omega A + (1 - omega) eps           omega       all rows    measured
    one_shot            omega A + (1 - omega) eps           0           all rows    measured
    training_time_rtc   A on d rows, eps behind             per token   postfix     measured
    vlash               eps                                 0           all rows    d ticks ahead

"told" is the condition row, the extra feature of each noisy row. Only Legato's velocity is reshaped, because only its
sampler guides before every step.
"""

from __future__ import annotations

from collections.abc import Mapping

from segue_policies.flow.objectives.base import Objective
from segue_policies.flow.objectives.flow import Flow
from segue_policies.flow.objectives.legato import Legato
from segue_policies.flow.objectives.one_shot import OneShot
from segue_policies.flow.objectives.training_time_rtc import TrainingTimeRtc
from segue_policies.flow.objectives.vlash import Vlash

OBJECTIVES: Mapping[str, Objective] = {
    objective.name: objective for objective in (Legato(), Flow(), TrainingTimeRtc(), OneShot(), Vlash())
}
"""By name, the `method` of a configuration and of a checkpoint."""
