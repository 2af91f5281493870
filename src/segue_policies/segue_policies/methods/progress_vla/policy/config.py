"""Settings of the policy, sized for CPUs."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.methods.progress_vla.world.config import MAPS, WorldConfig
from segue_policies.networks.widths import check_width
from segue_policies.supervised.config import ChunkConfig
from segue_policies.vision.config import EncoderConfig


class ContextConfig(StrictModel):
    """What both denoisers are told of the observation."""

    width: int = Field(default=128, ge=8, le=4096, description="of all tokens; an even multiple of heads")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    layers: int = Field(default=1, ge=0, le=48, description="of attention among its tokens")
    merge: int = Field(default=3, ge=1, le=8, description="places of a map, in x and y, that are one token")
    keypoints: int = Field(default=32, ge=1, le=1024, description="places that are looked for in a map")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_width(self.width, self.heads, 2)
        return self


class DenoiserConfig(StrictModel):
    """Depth of a denoiser; its width is the context's."""

    layers: int = Field(default=2, ge=1, le=48, description="of attention to itself and to the context")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="in the layers, in training")


class DiffusionConfig(StrictModel):
    """Both diffusions (App. D and E)."""

    latent_train_steps: int = Field(
        default=1000, ge=2, le=10000, description="steps T_z of the latent action's"
    )
    action_train_steps: int = Field(
        default=100, ge=2, le=10000, description="steps T_a of the chunk's; at most T_z"
    )
    latent_steps: int = Field(
        default=9, ge=0, le=10000, description="DDIM steps of the latent action alone, from T_z to T_a"
    )
    joint_steps: int = Field(default=10, ge=1, le=10000, description="DDIM steps of both, from T_a to 0")
    clip: float = Field(
        default=5.0, gt=0, le=100, description="bound of what is estimated at every step [deviations]"
    )
    draws: int = Field(
        default=2, ge=1, le=1024, description="(step, noise) draws per observation in training"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        alone = self.latent_train_steps - self.action_train_steps
        for name, got, most in (
            ("action_train_steps", self.action_train_steps, self.latent_train_steps),
            ("latent_steps", self.latent_steps, alone),
            ("joint_steps", self.joint_steps, self.action_train_steps),
        ):
            if got > most:
                text = "{name} is {got}, expected at most {most}"
                raise PydanticCustomError("steps", text, {"name": name, "got": got, "most": most})
        if alone and not self.latent_steps:
            text = "latent_steps is 0, expected at least 1 with latent_train_steps above action_train_steps"
            raise PydanticCustomError("steps", text)
        return self


class PolicyTraining(ChunkConfig):
    """A whole training run; `training.parts` name the evaluator that it begins with."""

    method: str = "progress_vla"
    encoder: EncoderConfig = MAPS
    progress: NetworkConfig = NetworkConfig()
    world: WorldConfig = WorldConfig()
    context: ContextConfig = ContextConfig()
    expert: DenoiserConfig = DenoiserConfig()
    decoder: DenoiserConfig = DenoiserConfig()
    diffusion: DiffusionConfig = DiffusionConfig()


class PolicyOptions(StrictModel):
    """What a run may say, `policy_options`."""

    guidance: float = Field(
        default=0.0, ge=0, le=1000, description="strength s of the guidance towards progress; 0: none"
    )
