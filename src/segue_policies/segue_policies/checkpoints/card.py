"""README of a trained checkpoint: how it was made and what it scored on held-out episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from segue_core.contracts.base import StrictModel
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.training.config import TrainingConfig


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself.

    Args:
        title: name of the method.
        chunk: horizon and sampling, one clause.
        sampled: how the chunks of the scores were made, one clause.
        config: every setting; `training` is the loop's.
        kind: what it is, in one word.
    """

    title: str
    chunk: str
    sampled: str
    config: StrictModel
    training: TrainingConfig
    kind: str = "policy"

    def text(
        self, part: ChunkDataset, held_out: ChunkDataset, model: nn.Module, summary: Mapping[str, Any]
    ) -> str:
        """Markdown with the data, the budget used, the scores and every setting."""
        data, training = part.data, self.training
        parameters = sum(parameter.numel() for parameter in model.parameters())
        scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in summary["scores"].items())
        base = Path(training.init).name if training.init else None
        dumped = self.config.model_dump(mode="json")
        dumped["training"]["init"] = base  # a path says nothing on another machine
        dumped["training"]["parts"] = {name: Path(given).name for name, given in training.parts.items()}
        settings = yaml.safe_dump(dumped, sort_keys=False)
        begun = f"\nBegun with the weights of `{base}`.\n" if base else ""
        return f"""# {self.title} {self.kind} for {data.action_space.name}

{parameters / 1e6:.2f} M parameters; cameras {", ".join(data.cameras)};
{self.chunk}.

Trained on {_episodes(part)} demonstrations ({len(part.frames)} frames), {_episodes(held_out)} held out:
{summary["step"]} steps of {training.batch_size} observations in {summary["elapsed_s"] / 60:.1f} min,
{summary["precision"]}, {training.threads} threads, seed {training.seed}, torch {torch.__version__}.
{begun}
Held-out episodes, {self.sampled}:

| score | value |
|---|---|
{scores}

Settings:

```yaml
{settings}```
"""


def _episodes(part: ChunkDataset) -> int:
    return len(np.unique(np.asarray(part.data.episode)[part.frames]))
