"""Settings of ACT: the defaults are its authors' (arXiv 2304.13705 and the code beside it)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.networks.widths import check_width
from segue_policies.training.config import MethodConfig
from segue_policies.training.lora_config import LoraConfig


class NetworkConfig(StrictModel):
    """Sizes of the network; kept in the checkpoint, so a checkpoint rebuilds its own network."""

    backbone: Literal["resnet18", "resnet34", "transformers"] = Field(
        default="resnet18",
        description="image trunk; transformers: DINOv2, CLIP or SigLIP from the folder `backbone_weights`",
    )
    backbone_config: dict[str, Any] | None = Field(
        default=None, description="transformers: the model's own settings; taken from the folder in training"
    )
    backbone_width: int = Field(default=64, ge=4, le=256, description="channels of its first stage")
    backbone_norm: Literal["frozen_batch", "group"] = Field(
        default="frozen_batch",
        description="frozen_batch for pretrained weights (the authors'), group for training from scratch",
    )
    width: int = Field(default=512, ge=8, le=4096, description="d_model; a multiple of heads and of 4")
    heads: int = Field(default=8, ge=1, le=64, description="attention heads")
    feedforward: int = Field(
        default=3200, ge=8, le=16384, description="hidden width of a transformer layer's MLP"
    )
    encoder_layers: int = Field(
        default=4, ge=1, le=24, description="of the policy's and of the style encoder"
    )
    decoder_layers: int = Field(
        default=1,
        ge=1,
        le=24,
        description="7 in the paper; its code reads the output of the first of them, which is 1",
    )
    latent: int = Field(default=32, ge=1, le=1024, description="width of the style variable z")
    style_encoder: bool = Field(
        default=True, description="train as a conditional VAE; false: plain regression (the paper's ablation)"
    )
    keyframe: bool = Field(
        default=False,
        description="one row more: the action of the next keyframe, predicted and not executed (ACT+KF of "
        "Chain-of-Action, App. E)",
    )
    pre_norm: bool = Field(default=False, description="normalise before attention and MLP instead of after")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="in training, everywhere in the transformers")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_width(self.width, self.heads, 4)
        if self.backbone_config is not None and self.backbone != "transformers":
            text = "backbone_config is of backbone transformers, and backbone is {got}"
            raise PydanticCustomError("backbone_config", text, {"got": self.backbone})
        return self


class ActConfig(MethodConfig):
    """A whole training run."""

    method: str = "act"
    horizon: int = Field(default=100, ge=1, le=1024, description="rows H of a chunk")
    keyframes: dict[str, Any] = Field(
        default_factory=dict,
        description="network.keyframe: settings of the label keyframes, such as {still_m_s: 0.02}",
    )
    kl_weight: float = Field(default=10.0, ge=0, description="beta, weight of the KL divergence")
    actions: Literal["absolute", "anchored"] = Field(
        default="absolute",
        description="absolute: one mean and deviation per dimension, as the authors; anchored: poses as seen from the "
        "measured one, per row",
    )
    image_statistics: Literal["imagenet", "data"] = Field(
        default="imagenet", description="mean of the pixels; imagenet is what pretrained weights expect"
    )
    backbone_weights: str | None = Field(
        default=None,
        description="file of torchvision's weights of the ResNet, .pth or .safetensors; or folder of a vision model",
    )
    lora: LoraConfig | None = Field(
        default=None, description="train adapters of the image trunk instead of its weights; needs peft"
    )
    network: NetworkConfig = NetworkConfig()

    @model_validator(mode="after")
    def _keyframe_is_absolute(self) -> Self:
        if self.network.keyframe and self.actions != "absolute":
            text = (
                "network.keyframe with actions {got}, expected absolute: a keyframe is not of one row's units"
            )
            raise PydanticCustomError("keyframe", text, {"got": self.actions})
        return self
