"""What `act` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="act",
        policy="segue_policies.methods.act.policy:ActPolicy.deployed",
        settings="segue_policies.methods.act.config:ActConfig",
        network="segue_policies.methods.act.config:NetworkConfig",
        learner="segue_policies.methods.act.learner:ActLearner",
        description="Action chunking with transformers, temporal ensembling of overlapping chunks",
        continuation="temporal_ensemble",
        stride=1,  # as its authors do: every tick is the mean of all chunks that predict it
        delay=1,
    ),
)
