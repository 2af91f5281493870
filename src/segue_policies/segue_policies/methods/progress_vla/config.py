"""Settings of the progress estimator, sized for CPUs; `config/training/progress_vla_paper.yaml` has the paper's."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.networks.widths import check_width
from segue_policies.training.config import MethodConfig
from segue_policies.vision.config import EncoderConfig


class NetworkConfig(StrictModel):
    """Sizes of the network; kept in the checkpoint."""

    width: int = Field(default=96, ge=8, le=4096, description="of all tokens; a multiple of heads")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    blocks: int = Field(default=1, ge=1, le=24, description="blocks of three cross-attention updates")
    feedforward: int = Field(
        default=192, ge=8, le=16384, description="hidden width of the MLP behind each update"
    )
    hidden: int = Field(default=128, ge=8, le=4096, description="hidden width of the head")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="in training, in attention and MLPs")
    merge: int = Field(
        default=2, ge=1, le=8, description="places of the feature map, in x and y, that become one token"
    )
    word_buckets: int = Field(
        default=1024, ge=16, le=10**6, description="rows of the table of words, which words are hashed into"
    )
    longest: int = Field(default=24, ge=1, le=256, description="words of an instruction that are read")
    backbone_config: dict[str, Any] | None = Field(
        default=None, description="settings of a vision model; taken from `backbone_weights` in training"
    )

    @model_validator(mode="after")
    def _divides(self) -> Self:
        check_width(self.width, self.heads)
        return self


class ProgressConfig(MethodConfig):
    """A whole training run."""

    method: str = "progress_estimator"
    encoder: EncoderConfig = EncoderConfig(trunk="efficientnet_lite0", enlarge=1, every=6, views=2)
    backbone_weights: str | None = Field(
        default=None,
        description="folder of DINOv2, CLIP or SigLIP, frozen, in place of encoder.trunk (give that as none)",
    )
    false_stop_budget: float = Field(
        default=0.02, gt=0, lt=1, description="share of tasks that the learned stop may end too early"
    )
    done_share: float = Field(
        default=0.95, gt=0, le=1, description="share of a demonstration before which a stop is too early"
    )
    network: NetworkConfig = NetworkConfig()
