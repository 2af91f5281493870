"""Settings of Diffusion Policy: the defaults are its authors' (arXiv 2303.04137 and the code beside it)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_core.history import Offsets
from segue_policies.networks.widths import check_width
from segue_policies.supervised.config import ChunkConfig

Width = Annotated[int, Field(ge=8, le=4096)]


class UNetConfig(StrictModel):
    """The convolutional noise network."""

    widths: tuple[Width, ...] = Field(
        default=(256, 512, 1024),
        min_length=1,
        max_length=6,
        description="channels per level, each of half the rows of the one before; multiples of groups",
    )
    kernel: int = Field(default=5, ge=1, le=31, description="rows that a convolution sees; odd")
    groups: int = Field(default=8, ge=1, le=64, description="of the group normalisation")
    step_width: int = Field(default=128, ge=4, le=4096, description="of the diffusion step's embedding; even")
    scale: bool = Field(
        default=True, description="the condition scales channels and moves them; false: moves them only"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(width % self.groups for width in self.widths):
            text = "widths are {got}, expected multiples of groups, {groups}"
            raise PydanticCustomError("widths", text, {"got": self.widths, "groups": self.groups})
        for name, got, remainder in (("kernel", self.kernel, 1), ("step_width", self.step_width, 0)):
            if got % 2 != remainder:
                expected = "an odd number" if remainder else "an even number"
                text = "{name} is {got}, expected {expected}"
                raise PydanticCustomError("parity", text, {"name": name, "got": got, "expected": expected})
        return self


class TransformerConfig(StrictModel):
    """The noise network of attention, which rows attend with to the observations."""

    layers: int = Field(default=8, ge=1, le=48, description="of the decoder")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads; divide width")
    width: int = Field(default=256, ge=8, le=4096, description="of a token; even")
    condition_layers: int = Field(
        default=0, ge=0, le=48, description="attention layers among the observations; 0: an MLP on each"
    )
    dropout: float = Field(default=0.3, ge=0, lt=1, description="in the layers, in training")
    token_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="on tokens before the layers, in training"
    )
    causal: bool = Field(default=True, description="a row attends to earlier rows only")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_width(self.width, self.heads, 2)
        return self


class NetworkConfig(StrictModel):
    """Image encoders and noise network."""

    backbone: Literal["unet", "transformer"] = Field(default="unet", description="which noise network")
    image_encoder: Literal["resnet18", "keypoints"] = Field(
        default="resnet18",
        description="resnet18: with group normalisation, from scratch, the authors'; keypoints: three convolutions, or "
        "one behind encoder.trunk",
    )
    keypoints: int = Field(default=32, ge=1, le=1024, description="places that are looked for in a picture")
    image_width: int = Field(default=64, ge=1, le=4096, description="width of a picture's embedding")
    shared_encoder: bool = Field(default=False, description="one image encoder for all cameras")
    unet: UNetConfig = UNetConfig()
    transformer: TransformerConfig = TransformerConfig()


class DiffusionConfig(StrictModel):
    """The noise, and how a chunk is drawn out of it."""

    train_steps: int = Field(default=100, ge=2, le=1000, description="diffusion steps of the training")
    schedule: Literal["squared_cosine", "linear"] = Field(
        default="squared_cosine", description="how noise grows with the step"
    )
    sampler: Literal["ddpm", "ddim"] = Field(
        default="ddpm", description="ddpm draws noise at every step; ddim none, and needs fewer steps"
    )
    steps: int = Field(
        default=100, ge=1, le=1000, description="denoising steps of a chunk, at most train_steps"
    )
    clip: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="bound of the estimated chunk at every step [half-ranges of the data]",
    )
    draws: int = Field(
        default=1, ge=1, le=1024, description="(step, noise) draws per observation; pictures are encoded once"
    )
    mask_padding: bool = Field(
        default=False,
        description="leave rows after an episode's end out of the loss; false: the last action is held, and learned",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.steps > self.train_steps:
            text = "steps is {got}, expected at most train_steps, {most}"
            raise PydanticCustomError("steps", text, {"got": self.steps, "most": self.train_steps})
        return self


class DiffusionSettings(ChunkConfig):
    """A whole training run."""

    method: str = "diffusion_policy"
    horizon: int = Field(default=16, ge=1, le=1024, description="rows H of a chunk, from the present one on")
    history: Offsets = Field(
        default=(-1, 0), description="observations shown, in ticks from the newest, such as [first, -1, 0]"
    )
    actions: Literal["absolute", "anchored"] = Field(
        default="absolute",
        description="absolute: one range per dimension, as the authors; anchored: poses as seen from the measured one, "
        "a range per row",
    )
    network: NetworkConfig = NetworkConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
