"""OpenVLA's weights, on a tiny random checkpoint of its layout, against the arithmetic of its parts written out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_policies.networks.action_tokens import ActionTokens, prompt
from segue_policies.networks.openvla import OpenVla
from segue_policies.training.lora import LoraConfig, add_adapters, without_adapters

HEADS, WIDE, WORDS, PIXELS, PATCH = 16, 32, 320, 28, 14
TIMM_IDS = ["vit_large_patch14_reg4_dinov2.lvd142m", "vit_so400m_patch14_siglip_224"]
STATISTICS = {"kitchen": {"action": {"q01": [-2.0, 0.0], "q99": [2.0, 1.0], "mask": [True, False]}}}
LLAMA = {"model_type": "llama", "vocab_size": WORDS, "hidden_size": 24, "intermediate_size": 32}
LLAMA |= {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
State = dict[str, Tensor]


def blocks(depth: int, scaled: bool) -> State:
    """Of a vision transformer, by timm's names."""
    state: State = {}
    for k in range(depth):
        sizes: dict[str, tuple[int, ...]] = {"norm1": (WIDE,), "norm2": (WIDE,), "attn.qkv": (3 * WIDE, WIDE)}
        sizes |= {"attn.proj": (WIDE, WIDE), "mlp.fc1": (48, WIDE), "mlp.fc2": (WIDE, 48)}
        for name, shape in sizes.items():
            state[f"blocks.{k}.{name}.weight"] = 0.2 * torch.randn(shape)
            state[f"blocks.{k}.{name}.bias"] = 0.2 * torch.randn(shape[0])
        if scaled:
            state |= {f"blocks.{k}.ls{j}.scale_factor": 0.5 + torch.rand(WIDE) for j in (1, 2)}
    state |= {"norm.weight": torch.randn(WIDE), "norm.bias": torch.randn(WIDE)}
    state |= {"patch_embed.proj.weight": 0.05 * torch.randn(WIDE, 3, PATCH, PATCH)}
    patches = (PIXELS // PATCH) ** 2
    return state | {"patch_embed.proj.bias": torch.randn(WIDE), "pos_embed": torch.randn(1, patches, WIDE)}


def tensors() -> State:
    """Of the whole model."""
    torch.manual_seed(0)
    dino = blocks(3, scaled=True) | {
        "cls_token": torch.randn(1, 1, WIDE),
        "reg_token": torch.randn(1, 4, WIDE),
    }
    siglip = blocks(2, scaled=False) | {"attn_pool.latent": torch.randn(1, 1, WIDE)}
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA))
    state = {f"vision_backbone.featurizer.{name}": each for name, each in dino.items()}
    state |= {f"vision_backbone.fused_featurizer.{name}": each for name, each in siglip.items()}
    state |= {f"language_model.{name}": each for name, each in llama.state_dict().items()}
    for name, (rows, columns) in {"fc1": (256, 64), "fc2": (24, 256), "fc3": (24, 24)}.items():
        state[f"projector.{name}.weight"] = 0.2 * torch.randn(rows, columns)
        state[f"projector.{name}.bias"] = torch.randn(rows)
    return state


def save(folder: Path, state: State, **changes: Any) -> Path:
    """Two files, as large checkpoints have several."""
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    names = sorted(state)
    for k, part in enumerate((names[::2], names[1::2])):
        whole = {name: state[name].contiguous().clone() for name in part}
        save_file(whole, folder / f"model-0000{k + 1}-of-00002.safetensors", metadata={"format": "pt"})
    config = {"model_type": "openvla", "timm_model_ids": TIMM_IDS, "image_sizes": [PIXELS, PIXELS]}
    config |= {"text_config": LLAMA, "pad_to_multiple_of": 64, "norm_stats": STATISTICS, **changes}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def seen(state: State, images: Tensor) -> Tensor:
    """A tower by hand: the patches behind all blocks but the last."""
    x = F.conv2d(images, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=PATCH)
    x = x.flatten(2).transpose(1, 2) + state["pos_embed"]
    patches = x.shape[1]
    first = [state[name].expand(len(x), -1, -1) for name in ("cls_token", "reg_token") if name in state]
    x = torch.cat([*first, x], dim=1)
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    for k in range(depth - 1):
        block = {
            name[len(f"blocks.{k}.") :]: t for name, t in state.items() if name.startswith(f"blocks.{k}.")
        }

        def linear(name: str, y: Tensor, block: State = block) -> Tensor:
            return F.linear(y, block[f"{name}.weight"], block[f"{name}.bias"])

        def norm(name: str, y: Tensor, block: State = block) -> Tensor:
            return F.layer_norm(y, (WIDE,), block[f"{name}.weight"], block[f"{name}.bias"], eps=1e-6)

        q, k_, v = (
            linear("attn.qkv", norm("norm1", x)).reshape(*x.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        )
        mixed = F.scaled_dot_product_attention(q, k_, v).transpose(1, 2).flatten(2)
        x = x + linear("attn.proj", mixed) * block.get("ls1.scale_factor", torch.ones(()))
        hidden = linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("norm2", x))))
        x = x + hidden * block.get("ls2.scale_factor", torch.ones(()))
    return x[:, -patches:]


def part(state: State, prefix: str) -> State:
    return {name.removeprefix(prefix): each for name, each in state.items() if name.startswith(prefix)}


def test_the_logits_are_those_of_the_parts_written_out(tmp_path: Path) -> None:
    state = tensors()
    model = OpenVla.from_folder(save(tmp_path / "vla", state)).eval()
    images, ids = torch.rand(2, 3, PIXELS, PIXELS), torch.randint(0, WORDS, (2, 5))
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    dino = seen(part(state, "vision_backbone.featurizer."), (images - mean) / std)
    siglip = seen(part(state, "vision_backbone.fused_featurizer."), images * 2 - 1)
    x = torch.cat([dino, siglip], dim=-1)
    for name in ("fc1", "fc2", "fc3"):
        x = F.linear(x, state[f"projector.{name}.weight"], state[f"projector.{name}.bias"])
        x = F.gelu(x) if name != "fc3" else x
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA)).eval()
    llama.load_state_dict(part(state, "language_model."))
    words = llama.get_input_embeddings()(ids)
    wanted = llama(inputs_embeds=torch.cat([words[:, :1], x, words[:, 1:]], dim=1)).logits
    with torch.no_grad():
        torch.testing.assert_close(model(images, ids), wanted, atol=1e-4, rtol=1e-4)
        drawn = model.generate(images, ids, 3)
    assert drawn.shape == (2, 3) and torch.equal(drawn[:, 0], wanted[:, -1].argmax(-1))


def test_adapters_train_its_language_model_and_are_merged(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="needs requirements/pretrained.txt")
    model = OpenVla.from_folder(save(tmp_path / "vla", tensors()))
    images, ids = torch.rand(1, 3, PIXELS, PIXELS), torch.randint(0, WORDS, (1, 4))
    model.requires_grad_(False)
    add_adapters(model.language_model, LoraConfig(rank=2))
    optimiser = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], lr=2e-2)

    def loss() -> Tensor:
        return F.cross_entropy(model(images, ids)[:, -1], ids[:, 0])

    first = loss().item()
    for _ in range(12):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    learned = loss().item()
    assert learned < first - 0.02
    model.language_model = without_adapters(model.language_model)
    assert loss().item() == pytest.approx(learned, abs=1e-3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda s: s.pop("vision_backbone.featurizer.blocks.0.ls1.scale_factor"),
            "missing_keys.*layer_scale1",
        ),
        (lambda s: s.update({"vision_backbone.featurizer.head.weight": torch.ones(2)}), "KeyError: 'head'"),
        (lambda s: s.pop("language_model.lm_head.weight"), "missing_keys.*lm_head"),
        (lambda s: s.update({"projector.fc2.weight": torch.ones(24, 250)}), "projector.fc2 takes 250.*256"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path: Path, spoil: Any, said: str) -> None:
    state = tensors()
    spoil(state)
    with pytest.raises(PolicyError, match=said) as caught:
        OpenVla.from_folder(save(tmp_path / "vla", state))
    assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT


def test_what_is_not_openvla_is_refused_by_name(tmp_path: Path) -> None:
    state = tensors()
    other = {"timm_model_ids": ["vit_large_patch14_clip_336.openai"] * 2}
    for folder, changes, said in (
        ("a", {"model_type": "llava"}, "got llava"),
        ("b", other, "clip_336.*SigLIP"),
    ):
        with pytest.raises(PolicyError, match=said):
            OpenVla.from_folder(save(tmp_path / folder, state, **changes))
    with pytest.raises(PolicyError, match="no config.json"):
        OpenVla.from_folder(tmp_path)


def test_an_action_becomes_tokens_and_comes_back_within_half_a_bin() -> None:
    tokens = ActionTokens(vocabulary=32000, bins=256, statistics=STATISTICS)
    rng = np.random.default_rng(0)
    actions = np.stack([rng.uniform(-2, 2, 100), rng.uniform(-1, 1, 100)], axis=-1)
    coded = tokens.encode(actions, "kitchen")
    assert coded.min() >= 32000 - 256 and coded.max() <= 32000 - 1
    error = np.abs(tokens.decode(coded, "kitchen") - actions).max(axis=0)
    assert (error <= np.array([2.0, 1.0]) / 255 + 1e-9).all()
    assert tokens.encode([-9.0, -1.0], "kitchen").tolist() == [
        31999,
        31999,
    ]  # cut off; the second is not scaled
    assert tokens.encode([9.0, 1.0], "kitchen").tolist() == [31744, 31744]
    np.testing.assert_allclose(
        tokens.decode([5, 31744], "kitchen"), [2 * 254 / 255, 254 / 255]
    )  # 5 is a word
    with pytest.raises(ConfigError, match="dataset 'garage'.*kitchen"):
        tokens.decode([1, 2], "garage")
    assert prompt("Take the Cup") == "In: What action should the robot take to take the cup?\nOut:"
