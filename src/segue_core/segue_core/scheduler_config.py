"""Configuration of the chunk scheduler, with its ranges. Lengths are in ticks unless the name says `_s`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel


class ChunkLengths(StrictModel):
    """When chunks are asked for and how they are joined: the same settings for a node, a run and an evaluation.

    The defaults are those of Legato's main experiment: H, s, d, r = 60, 30, 8, 22.
    """

    GROUP: ClassVar[str] = "Chunks"
    stride: int = Field(default=30, ge=1, le=1024, description="ticks s between two inference starts; act: 1")
    delay_mode: Literal["constructed", "adaptive"] = Field(
        default="constructed",
        description="constructed: a chunk is used from start_tick + delay on, or later if it comes later; "
        "adaptive: used on arrival, and the next delay is estimated from the last ones",
    )
    delay: int = Field(
        default=8,
        ge=0,
        le=1024,
        description="ticks d of one inference (act: 1); in adaptive mode the first guess",
    )
    ramp: int | None = Field(default=None, ge=0, le=1024, description="ramp length r; null means H - s - d")
    ramp_kind: Literal["linear", "exp", "zeros", "ones"] = Field(
        default="linear", description="shape of the ramp"
    )
    when_infeasible: Literal["refuse", "shorten"] = Field(
        default="refuse",
        description="what to do when (d, s, r) do not fit H or the policy: refuse, or shorten and say so",
    )


class SchedulerConfig(ChunkLengths):
    """How chunks are asked for, joined and ended."""

    continuation: str = Field(default="legato", min_length=1, description="continuation method, by name")
    continuation_options: Mapping[str, Any] = Field(
        default_factory=dict, description="options of the method itself; each method names its own"
    )
    corrector: str = Field(
        default="", description="what corrects the planned action at every tick, by name; empty: nothing"
    )
    corrector_options: Mapping[str, Any] = Field(
        default_factory=dict, description="options of the corrector; each names its own"
    )
    horizon: int = Field(default=60, ge=1, le=1024, description="rows H of a chunk; must equal the policy's")
    warmup: int = Field(default=1, ge=0, le=100, description="first answers left out of the delay estimate")
    buffer: int = Field(
        default=10, ge=1, le=1000, description="measured delays that the estimate (their maximum) looks at"
    )
    termination: tuple[str, ...] = Field(
        default=("task_detector", "time_limit", "operator"),
        description="rules that may end the task, by name, first wins",
    )
    rule_options: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="options by rule name; each rule names its own"
    )
    time_limit_s: float = Field(default=60.0, gt=0, le=86400, description="limit of the rule time_limit [s]")
    task_hold_ticks: int = Field(
        default=10, ge=1, le=3000, description="ticks that success must hold for task_detector"
    )
    max_starved_ticks: int = Field(
        default=30, ge=1, le=10000, description="starved ticks in a row before a fault"
    )
    max_action_age_s: float | None = Field(
        default=None, ge=0, le=600, description="oldest observation that an action is executed for [s], then the last "
        "one is held; 0: stride + the run's largest delay + 0.5 s; null: as long as the chunk has rows"
    )  # fmt: skip
    max_bad_chunks: int = Field(default=3, ge=1, le=100, description="refused chunks in a row before a fault")
    max_failed_requests: int = Field(
        default=10, ge=1, le=1000, description="failed requests in a row before a fault"
    )
    retry_ticks: int = Field(
        default=3, ge=1, le=1000, description="ticks between a failed request and the next one"
    )
    request_timeout_s: float = Field(
        default=10.0, gt=0, le=600, description="a request unanswered this long has failed [s]"
    )
