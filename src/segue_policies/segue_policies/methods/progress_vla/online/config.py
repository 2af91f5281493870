"""Settings of the online finetuning."""

from __future__ import annotations

from pydantic import Field

from segue_core.contracts.base import StrictModel


class OnlineConfig(StrictModel):
    """Of estimator and policy."""

    margin: float = Field(
        default=0.05, ge=0, lt=1, description="fall of progress that is an anomaly, and rise that mends it"
    )
    steps: int = Field(default=150, ge=1, le=10**6, description="optimiser steps of the estimator")
    batch_size: int = Field(default=64, ge=1, le=4096, description="moments per step, and as many anomalies")
    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="of both, constant")
    mine_every: int = Field(
        default=25, ge=1, le=10**6, description="steps after which anomalies are mined anew"
    )
    seed: int = Field(default=0, ge=0, description="of order, noise and dropout")
    false_stop_budget: float = Field(
        default=0.02, gt=0, lt=1, description="share of tasks that the learned stop may end too early"
    )
    done_share: float = Field(
        default=0.95, gt=0, le=1, description="share of an episode before which a stop is too early"
    )


class PolicyOnlineConfig(OnlineConfig):
    """Of a policy: after its estimator, its latent action expert."""

    guidance: float = Field(
        default=2.0, ge=0, le=1000, description="1 / alpha: strength of the guidance that is distilled"
    )
    distil_steps: int = Field(default=150, ge=0, le=10**6, description="optimiser steps of the expert")
