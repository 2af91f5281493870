"""Settings of the joint finetuning of progress estimator and world model."""

from __future__ import annotations

from pydantic import Field

from segue_policies.methods.progress_vla.config import ProgressConfig
from segue_policies.methods.progress_vla.world.config import WorldConfig, WorldLoss


class EvaluatorConfig(ProgressConfig):
    """A whole training run; `training.parts` name the estimator and the world model that it begins with."""

    method: str = "progress_evaluator"
    world: WorldConfig = WorldConfig()
    world_loss: WorldLoss = WorldLoss()
    noise_steps: int = Field(
        default=1000,
        ge=2,
        le=10000,
        description="diffusion steps T of the latent actions that it is to judge",
    )
