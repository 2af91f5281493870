"""The progress estimator's network (ProgressVLA, App. A).

    first picture    -> frozen features -> project + place + role -> S  (B, N, W)
    present picture  -> frozen features -> project + place + role -> C  (B, N, W)
    instruction      -> words           -> table   + place + role -> T  (B, L, W)

    block    T <- T + attend(T, C)      what the words see now
             C <- C + attend(C, S)      what has changed since the start
             V <- C + attend(C, T)      what of it the words speak of

    mean(T), mean(C), mean(V) -> MLP -> sigmoid -> progress (B,)

With more than one block, V of a block is C of the next.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_DEVIATION
from segue_policies.vision.config import Given

_ROLES = 3  # start, current, text
_SPREAD = 0.3  # of places and roles at first: about that of what they are added to


class PixelStage(nn.Module):
    """Three trained convolutions for pictures that no trunk has seen: `(B, 3, h, w)` to `(B, 48, h/8, w/8)`."""

    channels = 48

    def __init__(self) -> None:
        super().__init__()
        act = partial(nn.ReLU, inplace=True)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 5, 2, 2),
            act(),
            nn.Conv2d(24, 32, 3, 2, 1),
            act(),
            nn.Conv2d(32, 48, 3, 2, 1),
            act(),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (n, 3, h, w) to the map (n, C, h / 8, w / 8)."""
        found: Tensor = self.layers(pictures)
        return found


class FrozenVision(nn.Module):
    """A vision model that is not trained, in its own units of pictures."""

    gain: Tensor

    def __init__(self, trunk: VisionTrunk) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)
        self.channels = trunk.channels
        gain = 1.0 / (IMAGE_GAIN * torch.tensor(IMAGENET_DEVIATION)).view(3, 1, 1)
        self.register_buffer("gain", gain, persistent=False)

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """Its patch tokens of pictures `(B, 3, h, w)` as a map `(B, C, h', w')`."""
        found: Tensor = self.trunk(pictures * self.gain)
        return found


Stage = PixelStage | FrozenVision | None
"""What stands before the tokens; None: the maps of a frozen trunk come from the cache, or from its encoder."""


class Update(nn.Module):
    """`x + attend(x, memory)`, then `x + MLP(x)`, normalised before each."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.norm, self.memory_norm, self.mlp_norm = (nn.LayerNorm(width) for _ in range(3))
        self.mix = nn.MultiheadAttention(width, config.heads, config.dropout, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, config.feedforward),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.feedforward, width),
        )

    def forward(self, x: Tensor, memory: Tensor, hidden: Tensor | None = None) -> Tensor:
        """`(B, N, W)` and `(B, M, W)`; `hidden` (B, M) is true where the memory must not be seen."""
        keys = self.memory_norm(memory)
        mixed, _ = self.mix(self.norm(x), keys, keys, key_padding_mask=hidden, need_weights=False)
        x = x + mixed
        done: Tensor = x + self.mlp(self.mlp_norm(x))
        return done


class Block(nn.Module):
    """The three updates."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.see, self.compare, self.relate = (Update(config) for _ in range(3))

    def forward(
        self, start: Tensor, current: Tensor, text: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """T, C and V, each (B, n, width)."""
        text = self.see(text, current)
        current = self.compare(current, start)
        return text, current, self.relate(current, text, hidden)


class ProgressNet(nn.Module):
    """From words and two sets of pictures to progress."""

    def __init__(self, config: NetworkConfig, given: Given, cameras: int, stage: Stage) -> None:
        """`given` is what each of the `cameras` brings: pixels, with a `stage`, or the map of a frozen trunk."""
        super().__init__()
        width, merge = config.width, config.merge
        self.stage = stage
        channels = given.channels if stage is None else stage.channels
        kernel = (3, 1) if merge > 1 else (1, 0)
        self.project = nn.Conv2d(channels, width, kernel[0], merge, kernel[1])
        rows, columns = self._grid(given)
        self.places = nn.Parameter(_SPREAD * torch.randn(cameras, width, rows, columns))
        self.roles = nn.Parameter(_SPREAD * torch.randn(_ROLES, width))
        self.words = nn.Embedding(config.word_buckets + 1, width, padding_idx=0)
        self.word_places = nn.Parameter(_SPREAD * torch.randn(config.longest, width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(3 * width)
        self.head = nn.Sequential(
            nn.Linear(3 * width, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 1),
        )

    def forward(self, first: Tensor, now: Tensor, words: Tensor) -> Tensor:
        """Pictures or maps `(B, cameras, C, h, w)` twice and words `(B, L)`, 0 where there is none, to `(B,)`."""
        start, current = self._seen(first, 0), self._seen(now, 1)
        text = self.words(words) + self.word_places + self.roles[2]
        hidden = words == 0
        hidden = hidden & ~hidden.all(dim=1, keepdim=True)  # nothing said: its places alone are looked at
        related = current
        for block in self.blocks:
            text, current, related = block(start, related, text, hidden)
        spoken = (~hidden).unsqueeze(-1).to(text)
        streams = (text * spoken).sum(1) / spoken.sum(1), current.mean(1), related.mean(1)
        logits: Tensor = self.head(self.norm(torch.cat(streams, dim=-1)))
        return logits[:, 0].float().sigmoid()

    def _seen(self, pictures: Tensor, role: int) -> Tensor:
        """Tokens (B, cameras * places, W)."""
        cameras = pictures.shape[1]
        maps = pictures.flatten(0, 1)
        maps = maps if self.stage is None else self.stage(maps)
        tokens = (
            self.project(maps).unflatten(0, (-1, cameras)) + self.places
        )  # (B, cameras, W, rows, columns)
        seen: Tensor = tokens.flatten(3).transpose(2, 3).flatten(1, 2) + self.roles[role]
        return seen

    def _grid(self, given: Given) -> tuple[int, int]:
        """Rows and columns of tokens per camera."""
        width, height = given.size
        if isinstance(self.stage, PixelStage):
            width, height = -(-width // 8), -(-height // 8)
        if isinstance(self.stage, FrozenVision):
            patch = self.stage.trunk.patch
            width, height = -(-width // patch), -(-height // patch)
        merge = self.project.stride[0]
        return -(-height // merge), -(-width // merge)
