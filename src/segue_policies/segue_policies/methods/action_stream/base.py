"""A pretrained base from a local folder: a causal language model of transformers, or OpenVLA with its picture encoders.

All of it is frozen. What is trained are adapters of the language model (LoRA) and what the base has not: the token of
the state, and pictures where it has no eyes. A checkpoint has these alone, and the digest of their base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import read_json
from segue_policies.methods.action_stream.config import BaseConfig
from segue_policies.networks.action_tokens import EMPTY_TOKEN
from segue_policies.networks.action_tokens import prompt as question
from segue_policies.networks.openvla import OpenVla
from segue_policies.networks.pretrained import library
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_MEAN
from segue_policies.training.lora import add_adapters

_OPENVLA = "openvla"


@dataclass(frozen=True, eq=False)
class Base:
    """What a folder holds.

    Args:
        language: frozen, with adapters.
        eyes: OpenVLA's picture encoders and projector, frozen; None where it has none.
        vocabulary: V, without words that only fill the embedding up.
        tokenizer: of instructions.
    """

    language: nn.Module
    eyes: nn.Module | None
    vocabulary: int
    tokenizer: Any

    def spelt(self, instruction: str) -> list[int]:
        """What it is asked, as tokens, of which the first begins the prompt."""
        return [
            *self.tokenizer(question(instruction)).input_ids,
            *([EMPTY_TOKEN] if self.eyes is not None else []),
        ]


class Eyes(nn.Module):
    """OpenVLA's, shown pictures as they are normalised here."""

    mean: Tensor

    def __init__(self, vla: OpenVla) -> None:
        super().__init__()
        self.towers, self.projector = vla.towers, vla.projector
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """`(B, cameras, 3, h, w)`, with a history `(B, T, cameras, 3, h, w)`, to `(B, P, W)`."""
        views = images.flatten(1, -4)
        shown = (views.flatten(0, 1) / IMAGE_GAIN + self.mean).clamp(0, 1)
        own = next(self.projector.parameters()).dtype
        patches = torch.cat([tower(shown.to(own)) for tower in self.towers], dim=-1)
        tokens: Tensor = self.projector(patches).unflatten(0, views.shape[:2]).flatten(1, 2)
        return tokens


def load_base(config: BaseConfig) -> Base:
    """Read a folder and put adapters into its language model.

    Raises:
        PolicyError: something is missing or broken. ConfigError: transformers or peft is not installed, or no layer
            has one of the names of `lora.targets`.
    """
    folder = Path(config.folder).expanduser()
    if _kind(folder) == _OPENVLA:
        vla = OpenVla.from_folder(folder)
        language, eyes, vocabulary = (
            vla.language_model,
            Eyes(vla).requires_grad_(False),
            vla.tokens.vocabulary,
        )
    else:
        language, eyes = _loaded("AutoModelForCausalLM", folder, use_safetensors=True), None
        vocabulary = int(language.config.vocab_size)
    add_adapters(language, config.lora)
    return Base(language, eyes, vocabulary, _loaded("AutoTokenizer", folder))


class Trained(nn.Module):
    """Of a network on a base the part that is trained: its state is these tensors alone."""

    def __init__(self, net: nn.Module, names: frozenset[str]) -> None:
        super().__init__()
        self._net, self._names = [net], names  # in a list: none of its modules

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Those that are trained."""
        return (each for name, each in self._net[0].named_parameters() if name in self._names)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Tensors by the names that the network has for them."""
        whole = self._net[0].state_dict()
        return {name: whole[name] for name in whole if name in self._names}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Take the tensors; the base's stay."""
        return self._net[0].load_state_dict(state_dict, strict=False, assign=assign)


def trained_names(net: nn.Module) -> frozenset[str]:
    """Names of the parameters that are trained."""
    return frozenset(name for name, each in net.named_parameters() if each.requires_grad)


def _kind(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "base: no config.json in this folder", got=folder)
    try:
        found = read_json(folder / "config.json")
    except (OSError, ValueError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / 'config.json'}: {error}") from error
    return str(found.get("model_type")) if isinstance(found, dict) else ""


def _loaded(name: str, folder: Path, **more: Any) -> Any:
    """`from_pretrained` of plain files only: no download, no code from the folder, no pickled weights."""
    try:
        return getattr(library("transformers"), name).from_pretrained(
            str(folder), local_files_only=True, **more
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        text = f"{folder}: transformers's {name} cannot load it: {error}"
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text) from error
