"""README of a trained checkpoint of a flow policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from segue_policies.checkpoints.card import Card
from segue_policies.flow.config import FlowSettings
from segue_policies.samples.demonstrations import ChunkDataset


def checkpoint_readme(
    config: FlowSettings,
    part: ChunkDataset,
    held_out: ChunkDataset,
    model: nn.Module,
    summary: Mapping[str, Any],
) -> str:
    """Markdown with the data, the budget used, the scores and every setting."""
    chunk = f"horizon {config.flow.horizon} at {part.data.rate_hz:g} Hz, N = {config.flow.num_steps}"
    sampled = "chunks sampled without guidance"
    card = Card(config.method, chunk, sampled, config, config.training)
    return card.text(part, held_out, model, summary)
