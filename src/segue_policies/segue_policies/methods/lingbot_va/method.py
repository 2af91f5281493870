"""What `lingbot_va` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="lingbot_va",
        policy="segue_policies.methods.lingbot_va.policy:WorldPolicy",
        settings="segue_policies.methods.lingbot_va.config:WorldConfig",
        network="segue_policies.methods.lingbot_va.config:WorldConfig",
        learner="segue_policies.methods.lingbot_va.learner:WorldLearner",
        options="segue_policies.methods.lingbot_va.config:WorldOptions",
        info="segue_policies.methods.lingbot_va.policy:deployed_info",
        description="LingBot-VA: imagines the next pictures, then the actions that lead to them",
        continuation="world_model_async",
        stride=16,
        delay=8,
        capabilities=frozenset({"world_model"}),
    ),
)
