"""The network: a prompt of picture, state and words, and a causal language model that continues it by actions.

    begin | patches of every camera | state | words of the instruction || a_0^1 ... a_0^K ; a_1^1 ...

It is Llama as transformers has it, with random weights of the size in the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segue_policies.methods.action_stream.config import LanguageConfig, StreamSettings
from segue_policies.methods.action_stream.tokens import StreamTokens
from segue_policies.networks.map_stage import MapStage
from segue_policies.networks.positions import sine_grid
from segue_policies.networks.pretrained import library
from segue_policies.networks.resnet import ResNet
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_DEVIATION
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import PIXELS


@dataclass(frozen=True, eq=False)
class Prompt:
    """What comes before a stream: vectors (B, T, W), and which of them are read, (B, T)."""

    embedded: Tensor
    mask: Tensor


class Look(nn.Module):
    """Tokens of pictures: one of each place of each camera's feature map."""

    pixel_gain: Tensor

    def __init__(self, config: StreamSettings, shape: Shape, width: int) -> None:
        super().__init__()
        pixels = shape.channels == PIXELS
        backbone = ResNet("resnet18", config.backbone_width, "group") if pixels else MapStage(shape.channels)
        self.backbone = backbone
        self.projector = nn.Sequential(
            nn.Linear(backbone.channels, width), nn.GELU(), nn.Linear(width, width)
        )
        self.camera = nn.Parameter(0.02 * torch.randn(shape.observations * len(shape.cameras), 1, width))
        gain = 1.0 / (IMAGE_GAIN * torch.tensor(IMAGENET_DEVIATION)).view(3, 1, 1)
        self.register_buffer("pixel_gain", gain if pixels else torch.ones(1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """`(B, cameras, C, h, w)`, with a history `(B, T, cameras, C, h, w)`, to `(B, P, W)`."""
        views = images.flatten(1, -4)  # (B, views, C, h, w)
        maps = self.backbone(views.flatten(0, 1) * self.pixel_gain)
        height, width = maps.shape[2:]
        seen = self.projector(maps.flatten(2).transpose(1, 2))
        seen = seen + 0.1 * sine_grid(height, width, seen.shape[2]).to(seen)
        tokens: Tensor = (seen.unflatten(0, views.shape[:2]) + self.camera).flatten(1, 2)
        return tokens


class StreamNet(nn.Module):
    """All of it; actions are normalised outside."""

    def __init__(
        self, config: StreamSettings, shape: Shape, look: nn.Module, language: nn.Module, vocabulary: int
    ) -> None:
        """`language` is a causal language model of transformers; of its vocabulary the first `vocabulary` count."""
        super().__init__()
        self.tokens = StreamTokens(vocabulary, shape.dim)
        self.look, self.language = look, language
        width = language.get_input_embeddings().embedding_dim  # type: ignore[operator]
        self.state = nn.Linear(shape.observations * shape.state, width) if config.state else None

    def prompt(self, images: Tensor, state: Tensor, words: Tensor) -> Prompt:
        """Of what `look` takes, states `(B, S)` or `(B, T, S)`, and tokens (B, L), -1 where there is none."""
        spoken = self.embed(words.clamp(min=0))
        parts = [spoken[:, :1], self.look(images)]
        if self.state is not None:
            parts.append(self.state(state.flatten(1))[:, None])
        shown = torch.cat([part.to(spoken.dtype) for part in parts], dim=1)
        mask = torch.cat([words.new_ones(shown.shape[:2]), (words[:, 1:] >= 0).long()], dim=1)
        return Prompt(torch.cat([shown, spoken[:, 1:]], dim=1), mask)

    def embed(self, ids: Tensor) -> Tensor:
        """Vectors (B, n, W) of tokens (B, n)."""
        vectors: Tensor = self.language.get_input_embeddings()(ids)  # type: ignore[operator]
        return vectors

    def forward(self, prompt: Prompt, ids: Tensor) -> Tensor:
        """Logits (B, n, V) of each of the tokens (B, n) of a stream, given those before it."""
        count = ids.shape[1]
        embedded = torch.cat([prompt.embedded, self.embed(ids[:, :-1])], dim=1)
        mask = torch.cat([prompt.mask, prompt.mask.new_ones(len(ids), count - 1)], dim=1)
        logits: Tensor = self.read(embedded, attention_mask=mask, logits_to_keep=count).logits
        return logits

    def read(self, embedded: Tensor, **more: Any) -> Any:
        """The language model's answer to vectors (B, n, W)."""
        return self.language(inputs_embeds=embedded, **more)


def build_network(config: StreamSettings, shape: Shape) -> StreamNet:
    """A fresh network for what `shape` says."""
    size = config.language
    look = Look(config, shape, size.width)
    return StreamNet(config, shape, look, _llama(size), size.vocabulary)


def _llama(size: LanguageConfig) -> nn.Module:
    library_of_models = library("transformers")
    settings = library_of_models.LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.feedforward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        tie_word_embeddings=False,
    )
    net: nn.Module = library_of_models.LlamaForCausalLM(settings)
    return net
