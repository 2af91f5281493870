"""From the scheduler node's parameters to the configuration of a run."""

from __future__ import annotations

from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel, load_mapping, parse_model
from segue_core.latency import Latency, parse_latency
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler import continuation, correction, termination

_MEASURED = "measured"


class RunParameters(StrictModel):
    """Parameters of the scheduler node that decide how chunks are joined and when a run ends; lengths in ticks."""

    continuation: str = Field(default="legato", description="continuation method")
    continuation_options: str = Field(
        default="", description="options of the method, as YAML: {max_guidance_weight: 5.0}"
    )
    corrector: str = Field(default="", description="what corrects every planned action; empty: nothing")
    corrector_options: str = Field(default="", description="options of the corrector, as YAML")
    stride: int = Field(default=30, ge=1, le=1024, description="ticks s between two inference starts")
    delay: int = Field(default=8, ge=0, le=1024, description="ticks d that one inference takes")
    ramp: int = Field(default=-1, ge=-1, le=1024, description="ticks r of the ramp; -1 means H - s - d")
    ramp_kind: str = Field(default="linear", description="shape of the ramp: linear, exp, zeros or ones")
    delay_mode: str = Field(default="constructed", description="constructed or adaptive")
    when_infeasible: str = Field(default="refuse", description="lengths that do not fit: refuse or shorten")
    max_action_age_s: float = Field(
        default=0.0,
        ge=0.0,
        le=600.0,
        description="oldest observation that an action is executed for [s]; 0: by itself",
    )
    latency: str = Field(
        default=_MEASURED,
        description="when an answer is delivered: measured (as it comes), planned, TICKS or LOW:HIGH later",
    )
    termination: str = Field(
        default="task_detector, time_limit", description="rules that may end a run, with commas; first wins"
    )
    rule_options: str = Field(default="", description="options by rule, as YAML: {stall: {window_s: 3.0}}")
    time_limit_s: float = Field(
        default=0.0, ge=0.0, le=86400.0, description="limit of a run [s]; 0: the task's own"
    )


class SchedulerParameters(RunParameters):
    """Parameters of the scheduler node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    task: str = Field(description="task that this graph was started for")
    task_file: str = Field(
        default="", description="path of the task's YAML file, for its time limit and instruction"
    )
    policy: str = Field(description="policy that this graph was started with")
    reset_service: str = Field(
        default="", description="service that resets the world; empty where people do that"
    )
    lease_s: float = Field(default=1.0, gt=0, le=60, description="a client silent for so long is gone [s]")
    lease_required: bool = Field(default=False, description="also for clients that never renewed their lease")
    state_timeout_ticks: int = Field(
        default=15, ge=1, le=300, description="age of the observation that ends a run"
    )
    waits: bool = Field(
        default=False, description="a tick waits for its observations, and the simulated clock for it"
    )
    waits_for_answers: bool = Field(
        default=False,
        description="with `waits`: time waits for overdue answers; for policies whose thinking no robot will see",
    )
    policy_timeout_s: float = Field(
        default=20.0, gt=0, le=600, description="patience with a policy node to come up [s]"
    )
    policy_lease_s: float = Field(
        default=1.0,
        ge=0.0,
        le=60.0,
        description="a policy's process silent for so long is gone, which ends a run [s]; 0: not watched",
    )


def scheduler_config(given: RunParameters, continuation: str, time_limit_s: float) -> SchedulerConfig:
    """Configuration of one run.

    Raises:
        ConfigError: a text that is not YAML, or a value that the scheduler refuses, naming it.
    """
    values = {
        "continuation": continuation or given.continuation,
        "continuation_options": load_mapping(given.continuation_options, "continuation_options"),
        "corrector": given.corrector,
        "corrector_options": load_mapping(given.corrector_options, "corrector_options"),
        "stride": given.stride,
        "delay": given.delay,
        "ramp": None if given.ramp < 0 else given.ramp,
        "ramp_kind": given.ramp_kind,
        "delay_mode": given.delay_mode,
        "when_infeasible": given.when_infeasible,
        "max_action_age_s": given.max_action_age_s,
        "termination": tuple(name.strip() for name in given.termination.split(",") if name.strip()),
        "rule_options": load_mapping(given.rule_options, "rule_options"),
        "time_limit_s": time_limit_s,
    }
    return parse_model(values, SchedulerConfig, "scheduler")


def injected_latency(text: str, seed: int) -> Latency | None:
    """Latency to deliver answers with; None for `measured`.

    Raises:
        ConfigError: not `measured`, `planned`, TICKS or LOW:HIGH.
    """
    return None if text == _MEASURED else parse_latency(text, seed)


def check(given: RunParameters, space: ActionSpace) -> None:
    """Refuse parameters that no run could start with, when the node is configured.

    Raises:
        ConfigError: unknown method, rule or option, or a value out of range, naming it.
    """
    check_config(scheduler_config(given, "", given.time_limit_s or 1.0), space)
    injected_latency(given.latency, 0)


def check_config(config: SchedulerConfig, space: ActionSpace) -> None:
    """Refuse a method or a rule that is not there, or an option that it does not have; ConfigError as `check`."""
    continuation.create(config.continuation, config.continuation_options)
    correction.create(config, space)
    termination.create(config, space)
