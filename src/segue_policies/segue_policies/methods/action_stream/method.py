"""What `action_stream` is, and its baselines."""

from segue_core.policy import STREAMING
from segue_core.sampling import PLAIN, TRAINING_TIME_RTC, needed_for
from segue_policies.method import Method

SERVED = (PLAIN.name, TRAINING_TIME_RTC.name)
"""Samplings that a checkpoint answers: a stream goes on from any prefix, as it was trained to."""

METHODS = (
    Method(
        name="action_stream",
        policy="segue_policies.methods.action_stream.policy:StreamPolicy",
        settings="segue_policies.methods.action_stream.config:StreamSettings",
        network="segue_policies.methods.action_stream.config:StreamSettings",
        learner="segue_policies.methods.action_stream.learner:StreamLearner",
        info="segue_policies.methods.action_stream.policy:deployed_info",
        options="segue_policies.methods.action_stream.config:StreamOptions",
        tokens="segue_policies.methods.action_stream.bench:timed_streams",
        description="Action Stream: actions as tokens of a language model, decoded one after the other",
        stride=4,
        delay=2,
        capabilities=needed_for(SERVED) | {STREAMING},
    ),
    Method(
        name="action_stream_fast",
        policy="segue_policies.methods.action_stream.compressed:CompressedPolicy",
        settings="segue_policies.methods.action_stream.config:CompressedSettings",
        network="segue_policies.methods.action_stream.config:CompressedSettings",
        learner="segue_policies.methods.action_stream.compressed:CompressedLearner",
        description="Action Stream's baseline of compressed tokens (FAST): cosines, rounded and merged",
        stride=4,
        delay=2,
    ),
    Method(
        name="action_stream_regression",
        policy="segue_policies.methods.action_stream.regression:RegressionPolicy",
        settings="segue_policies.methods.action_stream.config:RegressionSettings",
        network="segue_policies.methods.action_stream.config:RegressionSettings",
        learner="segue_policies.methods.action_stream.regression:RegressionLearner",
        description="Action Stream's baseline without tokens: the same model answers in numbers",
        stride=4,
        delay=2,
    ),
)
