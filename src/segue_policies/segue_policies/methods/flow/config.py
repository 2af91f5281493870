"""Settings of a flow policy: variant, network, flow and training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_policies.training.config import MethodConfig


class NetworkConfig(StrictModel):
    """Sizes of the network; kept in the checkpoint, so a checkpoint rebuilds its own network."""

    encoder_of: dict[str, str] = Field(
        default={"head": "head", "left_wrist": "wrist", "right_wrist": "wrist"},
        description="camera to encoder; cameras that name one encoder share its weights",
    )
    channels: tuple[int, int, int] = Field(default=(32, 64, 64), description="of the three convolutions")
    keypoints: int = Field(default=32, ge=1, le=1024, description="attention maps per image")
    values: int = Field(default=8, ge=0, le=1024, description="features pooled under each attention map")
    image_width: int = Field(default=128, ge=1, le=4096, description="width of an image embedding")
    condition_width: int = Field(default=256, ge=1, le=4096, description="width of the observation embedding")
    head: Literal["mlp", "transformer"] = Field(
        default="mlp", description="backbone from the noisy chunk to the clean one"
    )
    head_width: int = Field(default=512, ge=1, le=4096, description="width of the head")
    head_blocks: int = Field(default=3, ge=1, le=64, description="residual blocks of the head")
    token_rows: int = Field(default=4, ge=1, le=1024, description="transformer: rows per token, divides H")
    attention_heads: int = Field(default=4, ge=1, le=64, description="transformer: divides head_width")
    condition_row: bool = Field(
        default=True,
        description="tell the network the guidance of each row (paper Sec. III-D); false: its ablation",
    )
    min_noise: float = Field(
        default=0.04, gt=0, lt=1, description="floor of 1 - t where a plain velocity is formed from A_hat"
    )


class FlowConfig(StrictModel):
    """Chunk, schedule randomisation and objective (paper Table A.3)."""

    horizon: int = Field(default=60, ge=1, le=1024, description="rows H")
    num_steps: int = Field(default=5, ge=1, le=100, description="denoising steps N, in training and sampling")
    max_delay: int = Field(default=10, ge=0, le=1024, description="delay d ~ U{0..max_delay} [ticks]")
    max_ramp: int = Field(default=50, ge=0, le=1024, description="ramp r ~ U{0..max_ramp} [ticks]")
    free_share: float = Field(
        default=0.15, ge=0, le=1, description="share of samples without any guidance (omega = 0)"
    )
    samples: int = Field(
        default=8,
        ge=1,
        le=1024,
        description="(t, eps, omega) draws per observation; the images are encoded once",
    )
    max_weight: float = Field(
        default=1.0,
        gt=0,
        description="cap of the loss's weight on A_hat; large: the paper's own (loss.py)",
    )
    regression_weight: float = Field(
        default=1.0, ge=0, description="weight of the plain regression of E[A | o] that teaches the encoder"
    )
    channel_weights: dict[str, float] = Field(
        default_factory=dict, description="loss weight per channel, 1 if absent"
    )


class FlowSettings(MethodConfig):
    """A whole training run."""

    method: str = Field(
        default="legato",
        description="variant, and with it the samplers that the checkpoint serves (variants/)",
    )
    network: NetworkConfig = NetworkConfig()
    flow: FlowConfig = FlowConfig()
