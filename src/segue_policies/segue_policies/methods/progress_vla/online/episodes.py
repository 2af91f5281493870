"""Rollouts as a network sees them, and what it says along them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode
from segue_core.progress.anomalies import anomalies
from segue_core.progress.traces import ProgressTrace
from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.networks.words import word_rows
from segue_policies.samples.rollouts import Rollout
from segue_policies.vision.picture_encoder import PictureEncoder

Said = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From first maps, present maps and words, a row each, to progress `(B,)`."""

_EVERY = 3  # of the episodes that succeeded, one is held out
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Watched:
    """A rollout: what stands before the network, `(n, cameras, C, h, w)`, its words `(L,)` and t / T, `(n,)`."""

    rollout: Rollout
    maps: Tensor
    words: Tensor
    actual: Tensor

    def batch(self, moments: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """First maps, maps at `moments` (m,), and words, m rows each."""
        count = len(moments)
        first = self.maps[:1].expand(count, *self.maps.shape[1:])
        return first, self.maps[torch.from_numpy(moments)], self.words.expand(count, -1)

    @torch.no_grad()
    def said(self, say: Said) -> NDArray[np.float64]:
        """Progress along it, (n,)."""
        moments = np.arange(len(self.maps))
        parts = np.array_split(moments, -(-len(moments) // _AT_ONCE))
        return np.concatenate([say(*self.batch(part)).double().cpu().numpy() for part in parts])

    def trace(self, say: Said) -> ProgressTrace:
        """As it is judged."""
        rollout = self.rollout
        return ProgressTrace(rollout.ticks, self.said(say), rollout.progress, rollout.last_tick)


@torch.inference_mode()
def _seen(rollout: Rollout, picture_encoder: PictureEncoder, device: torch.device) -> Tensor:
    pictures = torch.from_numpy(rollout.images).to(device)
    return torch.cat(
        [picture_encoder.encode(picture_encoder.normalise(few)) for few in pictures.split(_AT_ONCE)]
    )


def watch(
    rollouts: Sequence[Rollout],
    picture_encoder: PictureEncoder,
    language: NetworkConfig,
    device: torch.device,
) -> list[Watched]:
    """All of them, in front of `picture_encoder`."""
    watched = []
    for rollout in rollouts:
        words = torch.from_numpy(word_rows(rollout.instruction, language.longest, language.word_buckets))
        actual = torch.from_numpy(rollout.progress).float().to(device)
        maps = _seen(rollout, picture_encoder, device).clone()
        watched.append(Watched(rollout, maps, words[None].to(device), actual))
    return watched


def held_apart(watched: Sequence[Watched]) -> tuple[list[Watched], list[Watched]]:
    """Of those that succeeded: to learn from, and every third, which calibrates and judges.

    Later episodes change nothing of what became of earlier ones.

    Raises:
        ConfigError: fewer than three succeeded.
    """
    won = [one for one in watched if one.rollout.success]
    if len(won) < _EVERY:
        text, got = "too few episodes succeeded to learn progress from", f"{len(won)} of {len(watched)}"
        do = "give more seeds, or a policy that does the task"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=got, expected=f"{_EVERY} or more", do=do)
    held = won[_EVERY - 1 :: _EVERY]
    return [one for one in won if one not in held], held


def anomalous(watched: Sequence[Watched], say: Said, margin: float) -> float:
    """Share of moments of succeeding episodes from which progress falls by more than `margin`."""
    falls = sum(len(anomalies(one.said(say), margin)) for one in watched)
    return falls / max(sum(len(one.maps) for one in watched), 1)
