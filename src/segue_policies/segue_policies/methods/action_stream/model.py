"""The network: a prompt of picture, state and words, and a causal language model that continues it by actions.

    begin | patches of every camera | state | words of the instruction || a_0^1 ... a_0^K ; a_1^1 ...

It is Llama as transformers has it, with random weights of the size in the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.action_stream.base import load_base
from segue_policies.methods.action_stream.config import LanguageConfig, PromptedSettings, StreamSettings
from segue_policies.methods.action_stream.instructions import hashed
from segue_policies.methods.action_stream.tokens import BINS, StreamTokens
from segue_policies.networks.encoders import Places
from segue_policies.networks.map_stage import MapStage
from segue_policies.networks.positions import sine_grid
from segue_policies.networks.pretrained import library
from segue_policies.networks.resnet import ResNet
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_DEVIATION
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import PIXELS, Given

FORESEEN_S = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
"""How far ahead the pictures foretell: to where the hand is led, not only how it sets out."""
_ALIKE_BINS = (8.0, 32.0, 128.0)
"""Scales at which rows of the vocabulary begin alike: where in the range a number lies is learned before the number."""
_HIDDEN = 256
_TOKENS = 8
"""Of a camera whose keypoints are looked at."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """What comes before a stream: vectors (B, T, W), and which of them are read, (B, T).

    Attributes:
        foretold: actions (B, len(FORESEEN_S), D) that far ahead, by the pictures alone; None without `foresight`.
    """

    embedded: Tensor
    mask: Tensor
    foretold: Tensor | None = None


class Look(nn.Module):
    """Tokens of pictures: one of each place of each camera's feature map."""

    pixel_gain: Tensor

    def __init__(self, config: PromptedSettings, shape: Shape, width: int) -> None:
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


class PlacesLook(nn.Module):
    """Tokens of pictures, `_TOKENS` of each camera: linear in where its keypoints are, as patches are not."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        given = Given(shape.channels, shape.image_size)
        self.places = nn.ModuleList(Places(given, _TOKENS * width) for _ in shape.cameras)
        self.token = nn.Parameter(0.02 * torch.randn(shape.observations, len(shape.cameras), _TOKENS, width))

    def forward(self, images: Tensor) -> Tensor:
        """As `Look`."""
        views = images if images.ndim == 6 else images[:, None]  # (B, T, cameras, C, h, w)
        seen = [place(views[:, :, camera].flatten(0, 1)) for camera, place in enumerate(self.places)]
        found = torch.stack(seen, dim=1).unflatten(2, (_TOKENS, -1)).unflatten(0, views.shape[:2])
        tokens: Tensor = (found + self.token).flatten(1, 3)
        return tokens


class PromptedNet(nn.Module):
    """A language model behind a prompt; actions are normalised outside.

    Attributes:
        words: tokens that instructions are made of, the first of the vocabulary.
        vocabulary: V, of which an answer's tokens are the last.
        answered: tokens of the longest answer.
    """

    words: int

    def __init__(self, config: PromptedSettings, shape: Shape) -> None:
        """Fresh weights, or those of `config.base`; raises as `load_base`."""
        super().__init__()
        base = load_base(config.base) if config.base is not None else None
        self.base = base
        self.language = _llama(config.language) if base is None else base.language
        self.vocabulary = config.language.vocabulary if base is None else base.vocabulary
        width = int(self.language.get_input_embeddings().embedding_dim)  # type: ignore[operator]
        if base is not None and base.eyes is not None:
            if shape.channels != PIXELS:
                text = "base: OpenVLA looks at pixels"
                do = "leave encoder.trunk out"
                raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{shape.channels} channels", do=do)
            self.look: nn.Module = base.eyes
        elif config.look == "patches":
            self.look = Look(config, shape, width)
        elif shape.channels == PIXELS:
            text, do = "look: keypoints are of a trunk's map", "set encoder.trunk, or look: patches"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got="encoder.trunk none", do=do)
        else:
            self.look = PlacesLook(shape, width)
        self._context = int(self.language.config.max_position_embeddings)  # type: ignore[union-attr, arg-type]
        self.answered = 0
        self.foretells = None
        known = shape.observations * shape.state if config.state else 0
        if config.foresight:
            self.foretells = _foreteller(shape.observations * len(shape.cameras) * _TOKENS * width, shape.dim)
            known += len(FORESEEN_S) * shape.dim
        self._measured = config.state
        self.state = nn.Linear(known, width) if known else None

    def prompt(self, images: Tensor, state: Tensor, words: Tensor) -> Prompt:
        """Of what `look` takes, states `(B, S)` or `(B, T, S)`, and tokens (B, L), -1 where there is none."""
        spoken = self.embed(words.clamp(min=0))
        seen = self.look(images)
        parts = [spoken[:, :1], seen]
        foretold = self.foretells(seen.flatten(1).float()) if self.foretells is not None else None
        known = [state.flatten(1)] if self._measured else []
        if foretold is not None:
            known.append(foretold.detach())
        if self.state is not None:
            parts.append(self.state(torch.cat(known, dim=1))[:, None])
        shown = torch.cat([part.to(spoken.dtype) for part in parts], dim=1)
        mask = torch.cat([words.new_ones(shown.shape[:2]), (words[:, 1:] >= 0).long()], dim=1)
        if mask.shape[1] + self.answered > self._context:
            text = "prompt and answer are longer than what the language model reads"
            got, do = f"{mask.shape[1]} and {self.answered} tokens", "lower `longest` or `horizon`"
            raise ConfigError(
                ErrorCode.CONFIG_CONFLICT, text, got=got, expected=f"together at most {self._context}", do=do
            )
        if foretold is not None:
            foretold = foretold.unflatten(1, (len(FORESEEN_S), -1))
        return Prompt(torch.cat([shown, spoken[:, 1:]], dim=1), mask, foretold)

    def spelt(self, instruction: str) -> list[int]:
        """An instruction as tokens, of which the first begins the prompt and the last asks to act."""
        return hashed(instruction, self.words) if self.base is None else self.base.spelt(instruction)

    def embed(self, ids: Tensor) -> Tensor:
        """Vectors (B, n, W) of tokens (B, n)."""
        vectors: Tensor = self.language.get_input_embeddings()(ids)  # type: ignore[operator]
        return vectors

    def forward(self, prompt: Prompt, ids: Tensor) -> Tensor:
        """Logits (B, n, V) of each of the tokens (B, n) of an answer, given those before it."""
        return self.behind(prompt, self.embed(ids[:, :-1]), ids.shape[1])

    def behind(self, prompt: Prompt, vectors: Tensor, count: int) -> Tensor:
        """What the model says at the last `count` places of the prompt with vectors (B, n, W) behind it."""
        embedded = torch.cat([prompt.embedded, vectors.to(prompt.embedded.dtype)], dim=1)
        mask = torch.cat([prompt.mask, prompt.mask.new_ones(vectors.shape[:2])], dim=1)
        said: Tensor = self.read(embedded, attention_mask=mask, logits_to_keep=count).logits
        return said

    def read(self, embedded: Tensor, **more: Any) -> Any:
        """The language model's answer to vectors (B, n, W)."""
        return self.language(inputs_embeds=embedded, **more)


class StreamNet(PromptedNet):
    """The one that answers in streams."""

    def __init__(self, config: StreamSettings, shape: Shape) -> None:
        super().__init__(config, shape)
        self.tokens = StreamTokens(self.vocabulary, shape.dim)
        self.words = self.tokens.separator
        self.answered = shape.horizon * self.tokens.per_unit
        language: Any = self.language
        if (
            config.base is None and language.device.type != "meta"
        ):  # what is made to be filled has no numbers yet
            for table in (language.get_input_embeddings(), language.get_output_embeddings()):
                alike(table.weight, self.tokens)

    def choices(self, logits: Tensor) -> Tensor:
        """Of logits (..., V) those that are chosen from, of bins: (..., 256)."""
        return self.tokens.legal(logits)


def build_network(config: StreamSettings, shape: Shape) -> StreamNet:
    """A fresh network for what `shape` says."""
    return StreamNet(config, shape)


def _foreteller(seen: int, dim: int) -> nn.Module:
    hidden = nn.Linear(seen, _HIDDEN)
    return nn.Sequential(hidden, nn.SiLU(), nn.Linear(_HIDDEN, len(FORESEEN_S) * dim))


@torch.no_grad()
def alike(rows: Tensor, tokens: StreamTokens) -> None:
    """Draw the rows (V, W) of all bins again: those of near bins begin alike, and what one learns the others do.

    Each column is a draw of a Gaussian process over the bins, with the standard deviation that it had.
    """
    bins = torch.arange(BINS, dtype=torch.float64)
    apart = (bins[:, None] - bins).unsqueeze(-1) / torch.tensor(_ALIKE_BINS)
    covariance = torch.exp(-(apart**2) / 2).mean(-1) + 1e-6 * torch.eye(BINS, dtype=torch.float64)
    drawn = torch.linalg.cholesky(covariance) @ torch.randn(BINS, rows.shape[1], dtype=torch.float64)
    rows[tokens.ids(bins.long())] = (drawn * rows.std()).to(rows)


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
