"""A progress estimator that has learned nothing, in seconds: for those who only want a checkpoint of one."""

from __future__ import annotations

from pathlib import Path

from segue_policies.testing.dots import make_dots
from segue_policies.training.command.train import train


def write_hasty_estimator(folder: Path) -> Path:
    """One step on eight episodes of the dots; its instructions are theirs."""
    training = {"steps": 1, "batch_size": 4, "threads": 1, "precision": "float32", "evaluations": 1}
    network = {"width": 8, "heads": 1, "feedforward": 8, "hidden": 8}
    settings = {
        "method": "progress_estimator",
        "encoder": {"trunk": "none"},
        "network": network,
        "training": training | {"validation_share": 0.5, "tensorboard": False},
    }
    train(settings, "hasty", make_dots(8), folder)
    return folder
