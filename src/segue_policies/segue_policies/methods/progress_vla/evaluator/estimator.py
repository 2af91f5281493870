"""The progress estimator in the checkpoint of an evaluator."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from segue_core.contracts.base import StrictModel
from segue_policies.methods.progress_vla.build import build_network
from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.methods.progress_vla.estimator import TrainedEstimator
from segue_policies.methods.progress_vla.evaluator.model import Evaluator
from segue_policies.methods.progress_vla.world.config import WorldConfig
from segue_policies.methods.progress_vla.world.model import WorldModel
from segue_policies.vision.config import Given


class EvaluatorNetwork(StrictModel):
    """What a checkpoint says of its networks."""

    progress: NetworkConfig
    world: WorldConfig
    noise_steps: int = Field(ge=2, le=10000, description="diffusion steps T of the latents it judges")


class EvaluatorEstimator(TrainedEstimator):
    """It looks on; the world model rests."""

    settings = EvaluatorNetwork

    def build(self, settings: StrictModel, given: Given, cameras: int) -> nn.Module:
        """Both networks."""
        assert isinstance(settings, EvaluatorNetwork)
        self.language = settings.progress
        return Evaluator(
            build_network(settings.progress, given, cameras), WorldModel(settings.world, given, cameras)
        )
