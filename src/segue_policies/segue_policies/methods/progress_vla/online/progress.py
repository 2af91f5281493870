"""The estimator's objective online: L_prog + L_mono over the buffer (ProgressVLA, Eq. 2 and 13 to 15).

moments     |P(t) - t / T|, of episodes that succeeded
anomalies   max(0, margin - (P(t') - P(t))), t' the later moment with the smallest prediction
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.progress.anomalies import anomalies
from segue_policies.methods.progress_vla.online.config import OnlineConfig
from segue_policies.methods.progress_vla.online.episodes import Said, Watched
from segue_policies.training.seeds import RandomStream, numpy_rng, seeded, torch_rng

_CLIP = 1.0


def finetune_progress(
    trained: nn.Module, say: Said, watched: Sequence[Watched], config: OnlineConfig
) -> list[float]:
    """Train the parameters of `trained` by what `say` says along `watched`; returns the losses, one per step."""
    trained.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=config.learning_rate)
    moments = np.array([(e, m) for e, one in enumerate(watched) for m in range(len(one.maps))])
    losses = []
    for step in range(config.steps):
        if step % config.mine_every == 0:
            trained.eval()  # without dropout, as it is asked
            falls = mined(watched, say, config.margin)
            trained.train()
        rng = numpy_rng(config.seed, RandomStream.ORDER, step)
        with seeded(torch_rng(config.seed, RandomStream.LOSS, step)):
            loss = progress_loss(say, watched, _drawn(rng, moments, config.batch_size))
            loss = loss + monotonicity_loss(
                say, watched, _drawn(rng, falls, config.batch_size), config.margin
            )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained.parameters(), _CLIP)
        optimiser.step()
        losses.append(float(loss.detach()))
    trained.requires_grad_(False).eval()
    return losses


def mined(watched: Sequence[Watched], say: Said, margin: float) -> NDArray[np.int64]:
    """Anomalies (m, 3): episode, t and t'."""
    found = [anomalies(one.said(say), margin) for one in watched]
    rows = [np.column_stack([np.full(len(pairs), e), pairs]) for e, pairs in enumerate(found)]
    return np.concatenate(rows).astype(np.int64)


def progress_loss(say: Said, watched: Sequence[Watched], moments: NDArray[np.int64]) -> Tensor:
    """L1 at moments (m, 2): episode and t; a scalar."""
    actual = torch.stack([watched[e].actual[t] for e, t in moments])
    return (_at(say, watched, moments) - actual).abs().mean()


def monotonicity_loss(
    say: Said, watched: Sequence[Watched], falls: NDArray[np.int64], margin: float
) -> Tensor:
    """Eq. 15, as a mean, of anomalies (m, 3); a scalar, 0 for none."""
    if not len(falls):
        return torch.zeros(())
    now, later = _at(say, watched, falls[:, :2]), _at(say, watched, falls[:, ::2])
    return (margin - (later - now)).clamp(min=0).mean()


def _at(say: Said, watched: Sequence[Watched], moments: NDArray[np.int64]) -> Tensor:
    batches = [watched[e].batch(np.array([t])) for e, t in moments]
    first, now, words = (torch.cat(part) for part in zip(*batches, strict=True))
    return say(first, now, words)


def _drawn(rng: np.random.Generator, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return rows if len(rows) <= count else rows[rng.choice(len(rows), count, replace=False)]
