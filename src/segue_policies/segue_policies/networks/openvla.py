"""OpenVLA (arXiv 2406.09246) from a folder of its weights, of which no code is run and no pickle read.

    picture ----> DINOv2 --.
            '---> SigLIP --+-> concatenated -> projector -> after the first token -.
    instruction -> tokens -> embeddings --------------------------------------------+-> Llama -> tokens of the action

OpenVLA has no class in transformers, but its parts have. Published weights are read as they are: `config.json` and
`model-*.safetensors` with tensors vision_backbone.{featurizer,fused_featurizer}.*, projector.fc{1,2,3}.* and
language_model.*.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import read_json, regular
from segue_policies.networks.action_tokens import ActionTokens
from segue_policies.networks.pretrained import library
from segue_policies.networks.timm_towers import filled, load_tower

_VISION = ("vision_backbone.featurizer.", "vision_backbone.fused_featurizer.")
_LANGUAGE, _PROJECTOR = "language_model.", "projector."


class OpenVla(nn.Module):
    """The whole model; its parts are plain modules, so that adapters (`training/lora.py`) fit each of them."""

    def __init__(
        self, towers: nn.ModuleList, projector: nn.Module, language_model: nn.Module, tokens: ActionTokens
    ) -> None:
        super().__init__()
        self.towers, self.projector, self.language_model = towers, projector, language_model
        self.tokens = tokens

    @classmethod
    def from_folder(cls, folder: Path) -> OpenVla:
        """Read `config.json` and `*.safetensors`; weights keep their precision.

        Raises:
            PolicyError: something is missing, does not fit or is not known; the text names it.
            ConfigError: transformers is not installed.
        """
        config = _read_config(folder)
        state = _read_tensors(folder)
        try:
            towers = [
                load_tower(str(timm_id), int(size), _of(state, prefix))
                for timm_id, size, prefix in zip(
                    config["timm_model_ids"], config["image_sizes"], _VISION, strict=False
                )
            ]
            projector = _projector(_of(state, _PROJECTOR))
            text = library("transformers").AutoConfig.for_model(**config["text_config"])
            causal = library("transformers").MODEL_FOR_CAUSAL_LM_MAPPING[type(text)]
            language = filled(causal.__name__, text, _of(state, _LANGUAGE))
            tokens = ActionTokens.from_config(config)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            text = f"{folder}: not OpenVLA as it is known here: {type(error).__name__}: {error}"
            raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text) from error
        return cls(nn.ModuleList(towers), projector, language, tokens)

    def look(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, h, w) in 0..1 to vectors that the language model reads (B, P, W)."""
        patches = torch.cat([tower(images) for tower in self.towers], dim=-1)
        projected: Tensor = self.projector(patches)
        return projected

    def embed(self, images: Tensor, ids: Tensor) -> Tensor:
        """Tokens (B, T) with the picture after the first of them: (B, T + P, W)."""
        words: Tensor = self.language_model.get_input_embeddings()(ids)  # type: ignore[operator]
        return torch.cat([words[:, :1], self.look(images), words[:, 1:]], dim=1)

    def forward(self, images: Tensor, ids: Tensor) -> Tensor:
        """Logits (B, T + P, V) of the token after each."""
        logits: Tensor = self.language_model(inputs_embeds=self.embed(images, ids)).logits
        return logits

    @torch.no_grad()
    def generate(self, images: Tensor, ids: Tensor, count: int) -> Tensor:
        """The `count` likeliest tokens, one after the other: (B, count)."""
        embedded = self.embed(images, ids)
        mask = torch.ones(embedded.shape[:2], dtype=torch.long, device=embedded.device)
        drawn: Tensor = self.language_model.generate(  # type: ignore[operator]
            inputs_embeds=embedded,
            attention_mask=mask,
            do_sample=False,
            min_new_tokens=count,
            max_new_tokens=count,
        )
        return drawn


def _projector(state: Mapping[str, Tensor]) -> nn.Module:
    """`fc1`, `fc2` and, behind two towers, `fc3`, with GELU between them."""
    layers: list[nn.Module] = []
    for name in sorted({name.split(".")[0] for name in state}):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        linear.load_state_dict({"weight": weight, "bias": bias})
        before = layers[-2].out_features if layers else weight.shape[1]
        if before != weight.shape[1]:
            raise ValueError(
                f"projector.{name} takes {weight.shape[1]} numbers, the one before gives {before}"
            )
        layers += [linear, nn.GELU()]
    return nn.Sequential(*layers[:-1])


def _of(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    found = {name.removeprefix(prefix): each for name, each in state.items() if name.startswith(prefix)}
    if not found:
        raise KeyError(f"no tensor {prefix}*")
    return found


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no config.json in this folder", got=folder)
    try:
        config = read_json(path)
    except (OSError, ValueError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {error}") from error
    if not isinstance(config, dict) or config.get("model_type") != "openvla":
        got = config.get("model_type") if isinstance(config, dict) else type(config).__name__
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, f"{path}: model_type", got=got, expected="openvla")
    return config


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no *.safetensors in this folder", got=folder)
    try:
        return {name: tensor for file in files for name, tensor in load_file(regular(file)).items()}
    except (OSError, SafetensorError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder}: {error}") from error
