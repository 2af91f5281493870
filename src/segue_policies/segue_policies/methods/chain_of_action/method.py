"""What `chain_of_action` is."""

from segue_policies.method import Method

DELAY = 8
"""Ticks of an inference that are asked for."""

METHODS = (
    Method(
        name="chain_of_action",
        policy="segue_policies.methods.chain_of_action.policy:ChainPolicy",
        settings="segue_policies.methods.chain_of_action.config:ChainConfig",
        network="segue_policies.methods.chain_of_action.config:ChainConfig",
        learner="segue_policies.methods.chain_of_action.learner:ChainLearner",
        info="segue_policies.methods.chain_of_action.policy:deployed_info",
        description="Chain-of-Action: from a keyframe backward to the present pose, action by action",
        continuation="reverse_temporal_ensemble",
        stride=16,
        delay=DELAY,
    ),
)
