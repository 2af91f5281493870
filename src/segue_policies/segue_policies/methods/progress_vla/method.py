"""What belongs to ProgressVLA: its estimator, its world model, both finetuned together, and the policy they guide."""

from segue_core.sampling import PLAIN, RTC, needed_for
from segue_policies.method import Method

SERVED = (PLAIN.name, RTC.name)
"""Samplings that a checkpoint of the policy answers."""

METHODS = (
    Method(
        name="progress_estimator",
        estimator="segue_policies.methods.progress_vla.estimator:TrainedEstimator",
        estimator_info="segue_policies.methods.progress_vla.info:estimator_info",
        online="segue_policies.methods.progress_vla.online.estimator:finetune",
        settings="segue_policies.methods.progress_vla.config:ProgressConfig",
        network="segue_policies.methods.progress_vla.config:NetworkConfig",
        learner="segue_policies.methods.progress_vla.learner:ProgressLearner",
        description="How much of a task is done, from its instruction, its first and its present picture",
    ),
    Method(
        name="progress_world_model",
        settings="segue_policies.methods.progress_vla.world.config:WorldTraining",
        learner="segue_policies.methods.progress_vla.world.learner:WorldLearner",
        description="ProgressVLA's world model: what is seen later, by a latent action; a stage of progress_vla",
    ),
    Method(
        name="progress_evaluator",
        estimator="segue_policies.methods.progress_vla.evaluator.estimator:EvaluatorEstimator",
        estimator_info="segue_policies.methods.progress_vla.info:estimator_info",
        online="segue_policies.methods.progress_vla.online.estimator:finetune",
        settings="segue_policies.methods.progress_vla.evaluator.config:EvaluatorConfig",
        learner="segue_policies.methods.progress_vla.evaluator.learner:EvaluatorLearner",
        description="ProgressVLA's estimator and world model finetuned together: the progress of imagined futures",
    ),
    Method(
        name="progress_vla",
        policy="segue_policies.methods.progress_vla.policy.policy:ProgressVlaPolicy",
        online="segue_policies.methods.progress_vla.online.policy:finetune",
        settings="segue_policies.methods.progress_vla.policy.config:PolicyTraining",
        learner="segue_policies.methods.progress_vla.policy.learner:PolicyLearner",
        description="ProgressVLA: a latent action, then a chunk, drawn from noise and guided towards progress",
        stride=15,
        delay=8,
        capabilities=needed_for(SERVED),
        options="segue_policies.methods.progress_vla.policy.config:PolicyOptions",
    ),
)
