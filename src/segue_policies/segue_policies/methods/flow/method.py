"""The flow policies: one network, and a variant each, which decides the samplings that a checkpoint serves."""

from __future__ import annotations

from segue_core.sampling import BIDIRECTIONAL, OURS, PLAIN, RTC, needed_for
from segue_policies.method import Method

ANYHOW = (PLAIN.name, RTC.name, BIDIRECTIONAL.name)
"""What every flow serves: all variants are trained on samples without guidance, which is plain flow matching."""


def _variant(name: str, description: str, continuation: str) -> Method:
    return Method(
        name=name,
        policy="segue_policies.methods.flow.policy:FlowPolicy.deployed",
        settings="segue_policies.methods.flow.config:FlowSettings",
        network="segue_policies.methods.flow.config:NetworkConfig",
        learner="segue_policies.methods.flow.learner:FlowLearner",
        description=description,
        continuation=continuation,
        capabilities=needed_for(serves(name)),
        corrections=True,
    )


def serves(name: str) -> tuple[str, ...]:
    """Samplings that a checkpoint of the variant `name` answers."""
    return (*ANYHOW, name) if name in OURS else ANYHOW


METHODS = (
    _variant(
        "legato", "Legato flow policy: its velocity field was trained to follow the executing chunk", "legato"
    ),
    _variant(
        "flow", "Plain flow matching, ready for guidance at inference (rtc) or rejection sampling", "rtc"
    ),
    _variant("training_time_rtc", "Flow matching trained to continue a clean prefix", "training_time_rtc"),
    _variant("one_shot", "Flow matching with the executing chunk in its initial noise only", "one_shot"),
    _variant("vlash", "Flow matching on the state expected when the chunk begins", "vlash"),
)
