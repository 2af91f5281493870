"""Settings of LingBot-VA: the defaults are sizes for a few CPU cores, the paper's or its authors' in a comment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.supervised.config import ChunkConfig

DOWNSAMPLING = 16
"""Pixels per place of a latent picture, in x and y."""

SHOTS = 4
"""Pictures that Wan's VAE makes one latent picture of."""

OUTSIDE = ("vae", "language")
"""Settings that are folders of pretrained weights, which a checkpoint does not have."""

PRETRAINED = "pretrained"
"""Where a checkpoint's settings have names and digests of what is outside it."""

Side = Annotated[int, Field(ge=DOWNSAMPLING, le=1024, multiple_of=DOWNSAMPLING)]
Share = Annotated[float, Field(ge=0, le=1)]
Kept = Literal["executed", "predicted"]


class WorldConfig(ChunkConfig):
    """A whole training run."""

    method: str = "lingbot_va"
    horizon: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="rows H of a chunk; their steps of `every` rows are the longest trained chunk K (the paper's 4)",
    )
    every: int = Field(
        default=4, ge=1, le=64, description="actions tau per step, which has one picture of each camera"
    )
    sequence: int = Field(default=24, ge=2, le=512, description="steps that are packed into one sample")
    window: tuple[int, int] = Field(
        default=(4, 64),
        description="fewest and most steps that are looked back at in training, drawn per sample",
    )
    look_back: int | None = Field(
        default=None,
        ge=1,
        description="steps that are remembered when served, at most the longest window; absent: as many",
    )
    picture: tuple[Side, Side] = Field(
        default=(64, 48), description="width, height of the encoded pictures [px]"
    )
    latent: int = Field(default=16, ge=1, le=256, description="channels of a latent picture")
    autoencoder_width: int = Field(
        default=16, ge=8, le=512, multiple_of=8, description="channels of the autoencoder's first stage"
    )
    autoencoder_steps: int = Field(
        default=1500,
        ge=0,
        le=10**7,
        description="optimiser steps in which the autoencoder is trained alone; it is frozen afterwards",
    )
    places: int = Field(
        default=2,
        ge=1,
        le=64,
        description="behind encoder.trunk: tokens of a latent picture; without it one for every 16 x 16 pixels",
    )
    foresight: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="behind encoder.trunk: weight with which the autoencoder learns to foretell the coming chunk from "
        "a latent picture, beside showing it",
    )
    keep_features: bool = Field(
        default=True,
        description="once the autoencoder is done, pictures go through it once, in plain light; false, and always "
        "with vae: at every step, in another light each time",
    )
    vae: str | None = Field(
        default=None,
        description="folder of Wan's VAE as diffusers has it, frozen, in place of the autoencoder; absent: none",
    )
    width: int = Field(default=128, ge=8, le=8192, description="of a video token; the paper's 3072")
    action_width: int = Field(default=64, ge=8, le=8192, description="of an action token; the paper's 768")
    action_start: Literal["interpolated", "random"] = Field(
        default="interpolated",
        description="first weights of the action stream: the video's, made narrower (the paper)",
    )
    heads: int = Field(default=4, ge=1, le=128, description="attention heads")
    layers: int = Field(default=4, ge=1, le=64, description="blocks; the paper's 30")
    feedforward: int = Field(default=4, ge=1, le=16, description="hidden width of an MLP over the stream's")
    language: str | None = Field(
        default=None,
        description="folder of a T5 or UMT5 encoder, frozen, in place of hashed words; absent: none",
    )
    word_buckets: int = Field(
        default=256, ge=16, le=10**6, description="rows of the table that words are hashed into"
    )
    longest: int = Field(default=24, ge=1, le=256, description="words of an instruction that are read")
    text_dropout: Share = Field(default=0.1, description="share of samples without instruction, for guidance")
    noisy_history: Share = Field(
        default=0.5, description="share p of samples whose earlier pictures are noisy"
    )
    least_clean: Share = Field(default=0.5, description="lowest flow time of a noisy earlier picture")
    forward_share: Share = Field(
        default=0.5,
        description="share of samples that learn pictures from actions (FDM), not actions from pictures",
    )
    action_weight: float = Field(default=1.0, ge=0, description="lambda, weight of the loss of actions")
    video_shift: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="more than 1 draws noisier pictures in training; the authors' code: 5",
    )
    video_until: float = Field(
        default=0.6, gt=0, le=1, description="flow time that imagined pictures are denoised to; 1 is fully"
    )
    video_steps: int = Field(default=3, ge=1, le=100, description="Euler steps of imagined pictures")
    action_steps: int = Field(default=10, ge=1, le=100, description="Euler steps of actions")
    video_guidance: float = Field(
        default=1.0, ge=0, le=20, description="classifier-free guidance of pictures; 1 is none, the paper's 5"
    )
    action_guidance: float = Field(
        default=1.0, ge=0, le=20, description="classifier-free guidance of actions"
    )
    remember: Kept = Field(
        default="executed",
        description="actions in the memory: as they were executed, or as they were predicted",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.horizon % self.every:
            raise _wrong("horizon", self.horizon, f"a multiple of every ({self.every})")
        if self.width % (2 * self.heads) or self.width // self.heads < 6:
            raise _wrong("width", self.width, f"a multiple of 2 heads ({2 * self.heads}), 6 or more per head")
        if self.action_width > self.width or self.action_width % self.heads:
            raise _wrong(
                "action_width", self.action_width, f"a multiple of heads, at most width ({self.width})"
            )
        low, high = self.window
        if not 1 <= low <= high <= 4096:
            raise _wrong("window", self.window, "two rising numbers of steps, 1 to 4096")
        if self.look_back is not None and self.look_back > high:
            raise _wrong("look_back", self.look_back, f"at most the longest window ({high})")
        if self.history != (0,):
            raise _wrong("history", self.history, "[0]: earlier observations are in its memory")
        if self.vae is not None and self.autoencoder_steps:
            raise _wrong("autoencoder_steps", self.autoencoder_steps, "0 with vae: there is none to train")
        if self.vae is not None and self.every % SHOTS:
            raise _wrong(
                "every", self.every, f"a multiple of {SHOTS} with vae: so many pictures are one latent"
            )
        if self.encoder.frozen and self.vae is not None:
            raise _wrong("encoder.trunk", self.encoder.trunk, "none with vae, which looks at pixels")
        if self.encoder.frozen and (self.encoder.every, self.encoder.views) != (1, 1):
            got = (self.encoder.every, self.encoder.views)
            raise _wrong(
                "encoder.every, encoder.views", got, "1 and 1: a step may be any frame, in plain light"
            )
        return self

    @property
    def outside(self) -> dict[str, str]:
        """Folders of pretrained weights that a checkpoint does not have, by what they are."""
        return {name: folder for name in OUTSIDE if (folder := getattr(self, name)) is not None}

    @property
    def remembered(self) -> int:
        """Steps that are looked back at when served."""
        return self.window[1] if self.look_back is None else self.look_back

    @property
    def glance(self) -> int:
        """Ticks from one picture to the next."""
        return self.every if self.vae is None else self.every // SHOTS

    @property
    def chunk(self) -> int:
        """Steps K of the longest trained chunk."""
        return self.horizon // self.every


class WorldOptions(StrictModel):
    """What a run may say of the answers; what it does not say is as the checkpoint has it."""

    remember: Kept | None = Field(
        default=None, description="actions in the memory: as they were executed, or as they were predicted"
    )
    look_back: int | None = Field(
        default=None,
        ge=1,
        description="steps that are remembered, at most the longest window of the training",
    )
    video_until: float | None = Field(
        default=None, gt=0, le=1, description="flow time that imagined pictures are denoised to; 1 is fully"
    )
    video_steps: int | None = Field(
        default=None, ge=1, le=100, description="Euler steps of imagined pictures"
    )
    action_steps: int | None = Field(default=None, ge=1, le=100, description="Euler steps of actions")
    video_guidance: float | None = Field(
        default=None, ge=0, le=20, description="guidance of pictures by the instruction; 1 is none"
    )
    action_guidance: float | None = Field(
        default=None, ge=0, le=20, description="guidance of actions by the instruction; 1 is none"
    )
    vae: str | None = Field(
        default=None, description="folder of Wan's VAE, where it is not where the checkpoint was trained"
    )
    language: str | None = Field(
        default=None, description="folder of the T5 or UMT5 encoder, where it is not where it was trained"
    )


def _wrong(name: str, got: object, expected: str) -> PydanticCustomError:
    return PydanticCustomError(name.replace(".", "_"), "{name} is {got}, expected {expected}",
                               {"name": name, "got": str(got), "expected": expected})  # fmt: skip
