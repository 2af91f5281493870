"""What an estimator's checkpoint says of itself. No torch: a command reads it before it starts anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.progress.calibration import Calibration
from segue_core.progress.estimator import EstimatorInfo
from segue_policies.checkpoints.checkpoint import CONFIG, CheckpointConfig, inspect_checkpoint
from segue_policies.deployment import Deployment

KEY = "stop"


class StopRecord(StrictModel):
    """The calibrated stop, and the instructions of the training, in `settings` of config.yaml."""

    threshold: float | None = Field(
        gt=0, le=1, description="value of progress_threshold; null: none keeps it"
    )
    budget: float = Field(gt=0, lt=1, description="share of false stops that was asked for")
    promised: float = Field(ge=0, le=1, description="share that the demonstrations can promise")
    demonstrations: int = Field(ge=1, description="that calibrated it")
    instructions: tuple[str, ...] = Field(description="of the training")


def stop_record(calibration: Calibration, instructions: tuple[str, ...]) -> dict[str, Any]:
    """What a checkpoint keeps of it."""
    threshold = None if calibration.threshold is None else max(calibration.threshold, 1e-6)
    told = {"threshold": threshold, "budget": calibration.budget, "promised": calibration.promised}
    return told | {"demonstrations": calibration.demonstrations, "instructions": list(instructions)}


def info_of(config: CheckpointConfig, folder: Path) -> EstimatorInfo:
    """Of a checkpoint's `config.yaml`; raises PolicyError when it lacks what an estimator says."""
    try:
        kept = (config.settings.model_extra or {}).get(KEY, {})
        record = parse_model(kept, StopRecord, f"settings.{KEY}")
    except ConfigError as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{folder / CONFIG}: {error.text}") from error
    found = Calibration(record.threshold, record.budget, record.promised, record.demonstrations)
    return EstimatorInfo(
        config.method, config.cameras, config.image_size, record.instructions, record.threshold, str(found)
    )


def estimator_info(deployment: Deployment) -> EstimatorInfo:
    """Files checked, no network built; raises PolicyError as `inspect_checkpoint` does."""
    folder = deployment.folder()
    return info_of(inspect_checkpoint(folder, deployment.method, deployment.expected), folder)
