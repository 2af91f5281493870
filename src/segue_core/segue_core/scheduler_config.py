"""Settings of the chunk scheduler, with their ranges. Lengths are in ticks unless the name says `_s`.

    ChunkLengths                 of a cell of a suite, too
      '- ChunkSettings           and how chunks are joined, and what ends a task
           |- RunSettings        what a run, its graph, its scheduler node and an evaluation are told
           '- SchedulerConfig    what the scheduler works with

Each field is declared here once; parameters, launch arguments, options and keys of files are made from it.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel
from segue_core.contracts.plain import Names, Options

MaxActionAge = Annotated[
    float | None,
    Field(
        ge=0,
        le=600,
        description="oldest observation that actions are executed for [s], then the last one is held; 0: stride "
        "+ the run's largest delay + 0.5 s; null, or -1: as long as the chunk has rows",
    ),
]

Ramp = Annotated[
    int | None,
    Field(ge=0, le=1024, description="ticks r over which guidance fades; null, or -1, means H - s - d"),
]


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
    ramp: Ramp = None
    ramp_kind: Literal["linear", "exp", "zeros", "ones"] = Field(
        default="linear", description="shape of the ramp"
    )
    when_infeasible: Literal["refuse", "shorten"] = Field(
        default="refuse",
        description="what to do when (d, s, r) do not fit H or the policy: refuse, or shorten and say so",
    )


class ChunkSettings(ChunkLengths):
    """How chunks are asked for and joined, and what ends a task."""

    GROUP: ClassVar[str] = "Chunks"
    continuation: str = Field(
        default="legato", min_length=1, description="how a chunk continues the one before, by name"
    )
    continuation_options: Options = Field(
        default={}, description="options of the continuation, as YAML: {max_guidance_weight: 5.0}"
    )
    corrector: str = Field(
        default="", description="what corrects the planned action at every tick, by name; empty: nothing"
    )
    corrector_options: Options = Field(
        default={}, description="options of the corrector, as YAML; each names its own"
    )
    max_action_age_s: MaxActionAge = None
    termination: Names = Field(
        default=("task_detector", "time_limit"),
        description="rules that may end the task, by name, first wins; a stop request always does",
    )
    rule_options: Options = Field(
        default={}, description="options by rule, as YAML: {stall: {window_s: 3.0}}"
    )


class RunSettings(ChunkSettings):
    """What people say of the scheduler of a run."""

    GROUP: ClassVar[str] = "Chunks"
    max_action_age_s: MaxActionAge = 0.0
    latency: str = Field(
        default="measured",
        description="when an answer is delivered: as it comes (measured), after the delay (planned), or TICKS or "
        "LOW:HIGH ticks after the request",
    )
    time_limit_s: Annotated[float, Word(also=("time_limit",))] = Field(
        default=0.0, ge=0, le=86400, description="limit of an episode [s]; 0: the task's own"
    )


class SchedulerConfig(ChunkSettings):
    """What the scheduler works with."""

    horizon: int = Field(default=60, ge=1, le=1024, description="rows H of a chunk; must equal the policy's")
    warmup: int = Field(default=1, ge=0, le=100, description="first answers left out of the delay estimate")
    buffer: int = Field(
        default=10, ge=1, le=1000, description="measured delays that the estimate (their maximum) looks at"
    )
    time_limit_s: float = Field(default=60.0, gt=0, le=86400, description="limit of the rule time_limit [s]")
    task_hold_ticks: int = Field(
        default=10, ge=1, le=3000, description="ticks that success must hold for task_detector"
    )
    max_starved_s: float = Field(
        default=1.0, gt=0, le=600, description="time without an action left before a fault [s]"
    )
    max_bad_chunks: int = Field(default=3, ge=1, le=100, description="refused chunks in a row before a fault")
    max_failed_requests: int = Field(
        default=10, ge=1, le=1000, description="failed requests in a row before a fault"
    )
    retry_s: float = Field(
        default=0.1, gt=0, le=60, description="time between a failed request and the next one [s]"
    )
    request_timeout_s: float = Field(
        default=10.0, gt=0, le=600, description="a request unanswered this long has failed [s]"
    )
