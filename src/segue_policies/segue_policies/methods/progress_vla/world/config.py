"""Settings of the world model, sized for CPUs; App. B has 12 layers of 768, 12 heads, and a latent action of 128."""

from __future__ import annotations

from pydantic import Field, model_validator
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.networks.widths import check_width
from segue_policies.training.config import MethodConfig
from segue_policies.vision.config import EncoderConfig

MAPS = EncoderConfig(trunk="efficientnet_lite0", enlarge=1, every=6, views=2)
"""As the progress estimator has them: they are cached once for all stages."""


class WorldConfig(StrictModel):
    """Sizes of the network, and what it looks ahead; kept in the checkpoint."""

    after: int = Field(default=30, ge=1, le=1024, description="ticks N that a latent action takes")
    width: int = Field(default=128, ge=8, le=4096, description="of all tokens; a multiple of heads")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    layers: int = Field(default=2, ge=1, le=48, description="of encoder and decoder, each")
    merge: int = Field(default=3, ge=1, le=8, description="places of a map, in x and y, that are one token")
    latents: int = Field(default=4, ge=1, le=64, description="tokens K of a latent action")
    latent_width: int = Field(default=8, ge=1, le=1024, description="numbers of each")
    codes: int = Field(
        default=64, ge=0, le=65536, description="words of the latent language; 0: none, any number"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_width(self.width, self.heads, 2)
        return self


class WorldLoss(StrictModel):
    """What is weighed against the squared error of the features."""

    kl: float = Field(
        default=0.005, ge=0, description="of KL from a normal distribution, a number's mean; Eq. 5 sums both"
    )
    commitment: float = Field(default=0.25, ge=0, description="of the encoder's distance from its codes")


class WorldTraining(MethodConfig):
    """A whole training run."""

    method: str = "progress_world_model"
    encoder: EncoderConfig = MAPS
    world: WorldConfig = WorldConfig()
    world_loss: WorldLoss = WorldLoss()
