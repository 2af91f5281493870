"""Where a token is in the interleaved sequence, and which tokens it may look at.

    step        0            1            2            3
    tokens      a_0 z_0      a_1 z_1      a_2 z_2      a_3 z_3       a_i are the tau actions that lead to picture z_i
    chunk       0            1            1            2             drawn lengths; predicted at once

Everything stands there as it was (context), and every chunk but the first of an episode once more as noise (target).

    looks at                     context, earlier chunks    context, own chunk          target, own chunk
    context of a kind            yes                        of its kind                 no
    target picture               yes                        no; FDM: the actions        pictures
    target action                yes                        the pictures (IDM)          actions

Inside a chunk context of one kind does not see the other: else each would have seen the answer that it leads to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Places:
    """One entry per token, each (B, n).

    Args:
        step: number of its step in the episode.
        chunk: number of its chunk.
        first: step that its chunk begins with.
        episode: tokens of others are never seen.
        video: of a picture, else of an action.
        target: to be predicted, else given.
    """

    step: Tensor
    chunk: Tensor
    first: Tensor
    episode: Tensor
    video: Tensor
    target: Tensor

    def as_target(self) -> Places:
        """The same tokens, to be predicted."""
        return Places(
            self.step, self.chunk, self.first, self.episode, self.video, torch.ones_like(self.target)
        )


def placed(step: Tensor, chunk: Tensor, first: Tensor, episode: Tensor, tokens: int, video: bool) -> Places:
    """Context places (B, n tokens) of steps (B, n), `tokens` tokens each."""
    entries = [entry.repeat_interleave(tokens, dim=1) for entry in (step, chunk, first, episode)]
    kind = torch.full((len(step), step.shape[1] * tokens), video, device=step.device)
    at, number, begin, name = entries
    return Places(at, number, begin, name, kind, torch.zeros_like(kind))


def joined(parts: list[Places]) -> Places:
    """Those of all parts, one behind the other."""
    named: dict[str, Any] = {
        field.name: torch.cat([getattr(part, field.name) for part in parts], dim=1)
        for field in fields(Places)
    }
    return Places(**named)


def visible(asks: Places, asked: Places, forward: Tensor, window: Tensor) -> Tensor:
    """Which of `asked` (B, m) each of `asks` (B, n) may look at, (B, n, m).

    Args:
        forward: (B,) true where pictures are predicted from the actions of their chunk.
        window: (B,) steps before its chunk that a token may look back at.
    """
    q = {field.name: getattr(asks, field.name)[:, :, None] for field in fields(Places)}
    k = {field.name: getattr(asked, field.name)[:, None, :] for field in fields(Places)}
    near = (q["episode"] == k["episode"]) & (k["step"] >= q["first"] - window[:, None, None])
    own, same_kind = q["chunk"] == k["chunk"], q["video"] == k["video"]
    leads = torch.where(q["video"], forward[:, None, None] & ~k["video"], k["video"])
    in_context = torch.where(q["target"], leads, same_kind)
    given = ~k["target"] & ((k["chunk"] < q["chunk"]) | (own & in_context))
    denoised = k["target"] & q["target"] & own & same_kind
    looks: Tensor = near & (given | denoised)
    return looks
