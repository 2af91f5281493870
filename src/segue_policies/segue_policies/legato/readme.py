"""README of a trained checkpoint: how it was made and what it scored on held-out episodes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from segue_policies.common.dataset import ChunkDataset
from segue_policies.legato.config import LegatoConfig

_TITLES = {
    "legato": "Legato",
    "flow": "Flow matching",
    "training_time_rtc": "Training-time RTC",
    "one_shot": "One-shot guidance",
    "vlash": "VLASH",
}


def checkpoint_readme(
    config: LegatoConfig,
    part: ChunkDataset,
    held_out: ChunkDataset,
    model: nn.Module,
    summary: Mapping[str, Any],
) -> str:
    """Markdown with the data, the budget used, the scores and every setting."""
    data = part.data
    parameters = sum(parameter.numel() for parameter in model.parameters())
    scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in summary["scores"].items())
    base = Path(config.training.init).name if config.training.init else None
    dumped = config.model_dump(mode="json")
    dumped["training"]["init"] = base  # a path says nothing on another machine
    settings = yaml.safe_dump(dumped, sort_keys=False)
    begun = f"\nBegun with the weights of `{base}`.\n" if base else ""
    return f"""# {_TITLES[config.method]} policy for {data.action_space.name}

{parameters / 1e6:.2f} M parameters; cameras {", ".join(data.cameras)};
horizon {config.flow.horizon} at {data.rate_hz:g} Hz, N = {config.flow.num_steps}.

Trained on {_episodes(part)} demonstrations ({len(part.frames)} frames), {_episodes(held_out)} held out:
{summary["step"]} steps of {config.training.batch_size} observations in {summary["elapsed_s"] / 60:.1f} min,
{summary["precision"]}, {config.training.threads} threads, seed {config.training.seed}, torch {torch.__version__}.
{begun}
Held-out episodes, chunks sampled without guidance:

| score | value |
|---|---|
{scores}

Settings:

```yaml
{settings}```
"""


def _episodes(part: ChunkDataset) -> int:
    return len(np.unique(np.asarray(part.data.episode)[part.frames]))
