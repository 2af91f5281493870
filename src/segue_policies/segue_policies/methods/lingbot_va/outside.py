"""What a checkpoint was trained on and does not have: Wan's VAE, a language encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from segue_core.contracts.base import parse_model
from segue_policies.checkpoints.bases import base_of, refuse_other_base
from segue_policies.checkpoints.checkpoint import Checkpoint, PretrainedBase
from segue_policies.methods.lingbot_va.config import OUTSIDE, PRETRAINED, WorldConfig


def told_outside(config: WorldConfig) -> dict[str, object]:
    """What a checkpoint's settings say of it: names and digests; raises PolicyError where a folder has no weights."""
    found = {name: base_of(Path(folder), name).model_dump() for name, folder in config.outside.items()}
    return {PRETRAINED: found} if found else {}


def found_outside(checkpoint: Checkpoint, elsewhere: Mapping[str, str]) -> Checkpoint:
    """The checkpoint with the folders where it lies now; raises PolicyError where there is another than in training."""
    config = checkpoint.config
    network = {**config.network, **elsewhere}
    made_with = (config.settings.model_extra or {}).get(PRETRAINED, {})
    for name in OUTSIDE:
        if network.get(name) is not None:
            known = parse_model(made_with[name], PretrainedBase, PRETRAINED) if name in made_with else None
            folder = Path(str(network[name])).expanduser()
            refuse_other_base(known, folder, "the weights of this checkpoint", name)
    settings = config.settings.model_copy(update={"network": network})
    return replace(checkpoint, config=config.model_copy(update={"settings": settings}))
