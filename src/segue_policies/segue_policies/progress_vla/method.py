"""What `progress_estimator` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="progress_estimator",
        estimator="segue_policies.progress_vla.estimator:TrainedEstimator",
        estimator_info="segue_policies.progress_vla.info:estimator_info",
        settings="segue_policies.progress_vla.config:ProgressConfig",
        learner="segue_policies.progress_vla.learner:ProgressLearner",
        description="How much of a task is done, from its instruction, its first and its present picture",
    ),
)
