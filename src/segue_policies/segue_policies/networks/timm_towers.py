"""Vision transformers whose weights carry timm's names, as models of transformers; timm is not needed.

    blocks.3.attn.qkv.weight          encoder.layer.3.attention.attention.{query,key,value}.weight      DINOv2
                                      vision_model.encoder.layers.3.self_attn.{q,k,v}_proj.weight       SigLIP

`LAYOUTS` says what transformers calls each part. The output of the block before the last is used, without the last
norm, so the last block is not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.networks.pretrained import library

HEADS = 16
"""Attention heads of every tower that OpenVLA's family uses; the weights do not tell."""


@dataclass(frozen=True)
class Layout:
    """A tower: where timm's names go in transformers, and how its pictures are normalised."""

    config: str
    model: str
    blocks: str
    names: Mapping[str, str]  # of the parts of a block, and of what is outside of the blocks
    qkv: tuple[str, str, str]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    norm: str  # the last norm, which is not used


LAYOUTS = {
    "dinov2": Layout(
        config="Dinov2WithRegistersConfig",
        model="Dinov2WithRegistersModel",
        blocks="encoder.layer",
        names={
            "norm1": "norm1", "norm2": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
            "attn.proj": "attention.output.dense", "ls1": "layer_scale1", "ls2": "layer_scale2",
            "patch_embed.proj": "embeddings.patch_embeddings.projection", "norm": "layernorm",
            "cls_token": "embeddings.cls_token", "reg_token": "embeddings.register_tokens",
            "pos_embed": "embeddings.position_embeddings",
        },
        qkv=("attention.attention.query", "attention.attention.key", "attention.attention.value"),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        norm="layernorm",
    ),
    "siglip": Layout(
        config="SiglipVisionConfig",
        model="SiglipVisionModel",
        blocks="vision_model.encoder.layers",
        names={
            "norm1": "layer_norm1", "norm2": "layer_norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
            "attn.proj": "self_attn.out_proj", "norm": "vision_model.post_layernorm",
            "patch_embed.proj": "vision_model.embeddings.patch_embedding",
            "pos_embed": "vision_model.embeddings.position_embedding.weight",
        },
        qkv=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        norm="vision_model.post_layernorm",
    ),
}  # fmt: skip


class Tower(nn.Module):
    """A vision transformer, looked at before its last block."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, layout: Layout, size: int) -> None:
        super().__init__()
        self.net, self.size = net, size
        self.register_buffer("mean", torch.tensor(layout.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(layout.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, h, w) in 0..1, stretched to the tower's size, to one vector per patch (B, P, C)."""
        square = functional.interpolate(
            images.float(), (self.size, self.size), mode="bicubic", antialias=True, align_corners=False
        ).clamp(0, 1)
        pixels = (square - self.mean) / self.std
        first = next(self.net.parameters())
        tokens: Tensor = self.net(pixel_values=pixels.to(first.dtype)).last_hidden_state
        patches = (self.size // int(self.net.config.patch_size)) ** 2  # type: ignore[union-attr, arg-type]
        return tokens[:, -patches:]  # class token and registers, where there are some, come first


def load_tower(timm_id: str, size: int, state: Mapping[str, Tensor]) -> Tower:
    """A tower with these weights.

    Args:
        timm_id: timm's name of the model, such as vit_large_patch14_reg4_dinov2.lvd142m.
        size: of its square picture [px].
        state: tensors by timm's names.

    Raises:
        ValueError, KeyError: a model that is not known, or tensors that it has not.
    """
    kind = next((kind for kind in LAYOUTS if kind in timm_id), None)
    if kind is None or (kind == "dinov2" and "reg" not in timm_id):
        raise ValueError(f"vision tower {timm_id!r}, known are DINOv2 with registers and SigLIP")
    layout = LAYOUTS[kind]
    names = {name: tensor for name, tensor in state.items() if not name.startswith("attn_pool.")}
    depth = 1 + max(int(name.split(".")[1]) for name in names if name.startswith("blocks."))
    net = filled(
        layout.model, _tower_config(layout, names, depth - 1, size), _renamed(layout, names, depth - 1)
    )
    net.set_submodule(layout.norm, nn.Identity())
    return Tower(net, layout, size)


def _tower_config(layout: Layout, state: Mapping[str, Tensor], depth: int, size: int) -> Any:
    """Sizes as the weights have them."""
    width, _, patch, _ = state["patch_embed.proj.weight"].shape
    hidden = state["blocks.0.mlp.fc1.weight"].shape[0]
    sizes: dict[str, Any] = {
        "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": HEADS,
        "image_size": size, "patch_size": patch, "hidden_act": "gelu", "layer_norm_eps": 1e-6,
    }  # fmt: skip
    if "reg_token" in state:
        sizes |= {"mlp_ratio": hidden / width, "num_register_tokens": state["reg_token"].shape[1]}
    else:
        sizes |= {"intermediate_size": hidden, "vision_use_head": False}
    return getattr(library("transformers"), layout.config)(**sizes)


def _renamed(layout: Layout, state: Mapping[str, Tensor], depth: int) -> dict[str, Tensor]:
    """Tensors of the first `depth` blocks by the names of transformers."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        block = re.fullmatch(r"blocks\.(\d+)\.(.+)\.(\w+)", name)
        if block is None:
            part, dot, leaf = (name, "", "") if name in layout.names else name.rpartition(".")
            renamed[layout.names[part] + dot + leaf] = tensor
        elif int(block[1]) < depth:
            start, leaf = f"{layout.blocks}.{block[1]}.", block[3]
            if block[2] == "attn.qkv":
                renamed |= {
                    f"{start}{each}.{leaf}": piece
                    for each, piece in zip(layout.qkv, tensor.chunk(3), strict=True)
                }
            else:
                leaf = "lambda1" if leaf in ("scale_factor", "gamma") else leaf
                renamed[f"{start}{layout.names[block[2]]}.{leaf}"] = tensor
    return _positions(renamed)


def _positions(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """DINOv2 in transformers has a position of its class token too, which adds nothing here: timm has none."""
    positions = state.get("embeddings.position_embeddings")
    if positions is None:
        name = "vision_model.embeddings.position_embedding.weight"
        return state | {name: state[name][0]}
    blank = torch.zeros_like(positions[:, :1])
    return state | {
        "embeddings.position_embeddings": torch.cat([blank, positions], dim=1),
        "embeddings.mask_token": blank[0],
    }


def filled(name: str, config: Any, state: dict[str, Tensor]) -> Any:
    """A model of transformers with exactly these weights; ValueError when names or shapes differ."""
    dtype = next(iter(state.values())).dtype
    class_ = getattr(library("transformers"), name)
    with_info = {"output_loading_info": True, "dtype": dtype}
    net, info = class_.from_pretrained(None, config=config, state_dict=state, **with_info)
    wrong = {what: sorted(map(str, names)) for what, names in info.items() if names}
    if wrong:
        raise ValueError(f"{name}: " + "; ".join(f"{what} {names[:3]}" for what, names in wrong.items()))
    return net.eval()
