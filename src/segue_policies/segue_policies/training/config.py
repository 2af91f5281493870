"""Settings of the shared training loop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.vision.config import EncoderConfig

Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]
Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]


class TrainingConfig(StrictModel):
    """How long, how fast, how careful. Give `steps` or `minutes`; `steps` wins and makes a run repeatable."""

    steps: int | None = Field(default=None, ge=1, le=10**9, description="optimiser steps")
    minutes: float | None = Field(
        default=None, gt=0, description="wall-clock budget [min]; the schedule follows the clock"
    )
    clock: Literal["wall", "processor"] = Field(
        default="wall",
        description="what `minutes` count; processor: its time over `threads`, where others use the machine too",
    )
    batch_size: int = Field(default=64, ge=1, le=65536, description="observations per step")
    accumulate: int = Field(
        default=1,
        ge=1,
        le=65536,
        description="parts that a batch is computed in, one after the other, where memory is short; divides batch_size",
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=100, description="peak of the schedule")
    final_rate_share: float = Field(default=0.01, ge=0, le=1, description="last learning rate over the peak")
    warmup_share: float = Field(
        default=0.03, ge=0, lt=1, description="share of the budget with a rising rate"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's, on matrices and kernels")
    gradient_clip: float = Field(default=1.0, gt=0, description="largest global gradient norm")
    backbone_rate: float = Field(
        default=1.0, ge=0, le=10, description="learning rate of an image trunk (`backbone`) over the others'"
    )
    average_decay: float = Field(
        default=0.999, ge=0, lt=1, description="moving average of the weights; 0 switches it off"
    )
    precision: Precision = Field(
        default="auto", description="of convolutions and matrices; auto measures which is faster"
    )
    device: Device = Field(default="auto", description="auto takes a GPU if there is one")
    strategy: Strategy = Field(
        default="auto",
        description="of several processes: auto is ddp; the other where a step does not reach every parameter",
    )
    threads: int = Field(default=2, ge=1, le=1024, description="CPU threads")
    seed: int = Field(default=0, ge=0, description="of weights, order, augmentation and noise")
    init: str | None = Field(
        default=None,
        description="checkpoint folder to begin with, weights and normaliser; its tensors must have the same shapes",
    )
    init_part: Literal["all", "encoder"] = Field(
        default="all",
        description="what is taken from `init`; encoder: the head may be another and begins anew",
    )
    parts: dict[str, str] = Field(
        default_factory=dict,
        description="part of the network to the checkpoint folder it begins as, to its part of that name or all of it",
    )
    frozen_parts: tuple[str, ...] = Field(
        default=(), description="parts of the network that stay as they begin, such as [encoder]"
    )
    frozen_views: int = Field(
        default=0,
        ge=0,
        le=64,
        description="freeze `init`'s image encoders and encode each picture once in so many lights; 0 trains them",
    )
    kept_views: str | None = Field(
        default=None,
        description="folder that keeps what frozen encoders made of the pictures, for the next training from `init`",
    )
    correction_share: float = Field(
        default=0.375,
        gt=0,
        le=4,
        description="corrections per demonstration sample, in a batch and in the loss, when some are given",
    )
    validation_share: float = Field(default=0.05, gt=0, lt=1, description="share of episodes held out")
    split: str | None = Field(
        default=None,
        description="file of `segue data split`: its train and validation episodes, instead of a share",
    )
    validation_frames: int = Field(
        default=512, ge=1, le=10**8, description="held-out frames evaluated each time"
    )
    evaluations: int = Field(
        default=12, ge=1, le=10**5, description="evaluations and saved checkpoints during the run"
    )
    patience: int | None = Field(
        default=None, ge=1, description="stop after so many evaluations without a lower validation_loss"
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="which evaluation's weights the checkpoint has, by validation_loss"
    )
    tensorboard: bool = Field(default=True, description="write TensorBoard's files beside the CSV log")
    shift_pixels: int = Field(default=2, ge=0, le=1024, description="random image shift in x and y [px]")
    brightness: float = Field(default=0.15, ge=0, lt=1, description="half-range of the random gain of light")
    colour: float = Field(
        default=0.10, ge=0, lt=1, description="half-range of the random gain of each colour channel"
    )
    state_noise: float = Field(
        default=0.02, ge=0, description="noise added to the normalised state [deviations]"
    )

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.batch_size % self.accumulate:
            raise PydanticCustomError(
                "accumulate",
                "accumulate is {got}, expected a divisor of batch_size, {size}",
                {"got": self.accumulate, "size": self.batch_size},
            )
        return self

    @property
    def part_size(self) -> int:
        """Observations that are computed at once."""
        return self.batch_size // self.accumulate


class MethodConfig(StrictModel):
    """Settings of a whole training run, whatever its method; every method adds its own."""

    method: str = Field(description="method, by name")
    encoder: EncoderConfig = EncoderConfig()
    training: TrainingConfig = TrainingConfig()
