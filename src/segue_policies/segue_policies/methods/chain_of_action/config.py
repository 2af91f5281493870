"""Settings of Chain-of-Action (arXiv 2506.09990): the defaults are sizes for a few CPU cores, the paper's in a comment.

`config/training/chain_of_action_paper.yaml` has all of the paper's.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from segue_policies.methods.chain_of_action.method import DELAY
from segue_policies.networks.widths import check_width
from segue_policies.supervised.config import ChunkConfig

Order = Literal["reverse", "forward", "hybrid"]
Stop = Literal["projection", "distance"]


class ChainConfig(ChunkConfig):
    """A whole training run."""

    method: str = "chain_of_action"
    horizon: int = Field(
        default=100,
        ge=1,
        le=1024,
        description="ticks of the longest chain (T_max); `segue data keyframes DATASET` says how many are needed",
    )
    every: int = Field(
        default=1,
        ge=1,
        le=64,
        description="ticks from one action of a chain to the next; between them is blended",
    )
    keyframes: dict[str, Any] = Field(
        default_factory=dict, description="settings of the label keyframes, such as {still_m_s: 0.02}"
    )
    order: Order = Field(
        default="reverse",
        description="reverse: from the keyframe back to the present (the method); forward: from the present on, "
        "without keyframes; hybrid: the keyframe, then from the present on",
    )
    stop: Stop = Field(
        default="projection",
        description="projection: when the chain has come as far from the keyframe as the tool is (the authors' code); "
        "distance: when it is within stop_distance of the tool (the paper)",
    )
    stop_distance: float = Field(
        default=0.01, gt=0, le=1, description="threshold of `stop` [m, rad for joints]"
    )
    to_tool: bool = Field(
        default=True,
        description="reverse: behind the last action of a chain its tool's measured position is learned, at which the "
        "chain stops, and which is not executed. Commands run ahead of a tool, here by 2 to 8 cm, so that without it a "
        "chain has nothing to stop at; false: as the authors, whose actions are measured poses",
    )
    shortest: int = Field(
        default=2 * DELAY,
        ge=1,
        le=1024,
        description="ticks of the shortest chunk: a keyframe that is nearer is held for the rest. Fewer than the delay "
        "would come too late, and twice as many last until the next chunk is there; 1: as decoded",
    )
    farthest: float = Field(
        default=0.1,
        gt=0,
        le=10,
        description="a chain that ends farther than this from the tool is refused [m, rad for joints]",
    )
    bend: bool = Field(
        default=False,
        description="with to_tool: a chain that leads back beside the tool is moved there, all of it at its begin and "
        "nothing of it at its keyframe",
    )
    ahead: int = Field(
        default=5,
        ge=1,
        le=16,
        description="multi-token heads K in training (the authors' code: 2); 1 switches them off",
    )
    consistency: Literal["latent", "action"] = Field(
        default="latent",
        description="latent: predicted tokens are those of the demonstrated actions; action: tokens decode to their "
        "actions (the paper's ablation)",
    )
    consistency_weight: float = Field(default=1.0, ge=0, description="lambda, weight of the consistency loss")
    begin_weight: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="weight of what is predicted from the observation alone, the keyframe, over that of an action "
        "behind it; the paper's 1",
    )
    chain_noise: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="deviation of the noise on the actions that a chain is continued from in training [half-ranges]",
    )
    distance: Literal["l1", "l2"] = Field(
        default="l1", description="of both losses: l1 as the authors' code, l2 as the paper's equation"
    )
    look: Literal["grid", "keypoints"] = Field(
        default="grid",
        description="grid: a token for each place of a camera's feature map, the paper's; keypoints: one for each "
        "camera, of the places where its attention maps look: cheaper, and finer behind encoder.trunk",
    )
    backbone: Literal["resnet18", "resnet34"] = Field(default="resnet18", description="image trunk")
    backbone_width: int = Field(
        default=16, ge=4, le=256, description="channels of its first stage; the paper's 64"
    )
    backbone_norm: Literal["frozen_batch", "group"] = Field(
        default="group", description="frozen_batch for pretrained weights, group for training from scratch"
    )
    backbone_weights: str | None = Field(
        default=None, description="file of torchvision's weights of the ResNet, .pth or .safetensors"
    )
    width: int = Field(
        default=128, ge=8, le=4096, description="of a token, a multiple of heads and of 4; the paper's 512"
    )
    heads: int = Field(default=4, ge=1, le=64, description="attention heads; the paper's 8")
    feedforward: int = Field(
        default=512, ge=8, le=16384, description="hidden width of an MLP; the paper's 3200"
    )
    encoder_layers: int = Field(default=2, ge=1, le=24, description="of the observation; the paper's 4")
    decoder_layers: int = Field(
        default=3, ge=1, le=24, description="of the chain, the last of them that of a head; the paper's 7"
    )
    dropout: float = Field(default=0.1, ge=0, lt=1, description="in training, everywhere in the transformers")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        check_width(self.width, self.heads, 4)
        return self

    @property
    def actions(self) -> int:
        """Actions of the longest chain."""
        return (self.horizon - 1) // self.every + 1

    @property
    def ends_at_tool(self) -> bool:
        """Whether a chain as it is decoded has one entry more, where the tool is."""
        return self.to_tool and self.order == "reverse"

    @property
    def places(self) -> int:
        """Entries of the longest chain as it is decoded."""
        return self.actions + self.ends_at_tool
