"""The finetuned weights as a checkpoint beside the one that they began as."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from segue_core.contracts.base import StrictModel
from segue_policies.checkpoints.checkpoint import Checkpoint, save_checkpoint
from segue_policies.checkpoints.provenance import DIGITS


def save_finetuned(
    begun: Checkpoint,
    net: nn.Module,
    out: Path,
    settings: Mapping[str, Any],
    steps: int,
    card: str,
) -> None:
    """Write `out`: the checkpoint that was `begun` with, with the weights of `net` and changed `settings`."""
    described = begun.config.model_dump(mode="json")
    described["settings"] |= settings
    if made := described["provenance"]:
        made |= {"init": begun.config.weights_sha256[:DIGITS], "steps": made["steps"] + steps}
    arrays = {name: tensor.float().cpu().numpy() for name, tensor in net.state_dict().items()}
    save_checkpoint(out, described, begun.normaliser, arrays, card)


def card(title: str, told: str, config: StrictModel, scores: Mapping[str, float]) -> str:
    """README: what it learned from, scores and settings."""
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in scores.items())
    given = "\n".join(f"- {name}: {value}" for name, value in config.model_dump().items())
    return f"# {title}, finetuned online\n\n{told}\n\n| score | value |\n|---|---|\n{rows}\n\nSettings:\n\n{given}\n"
