"""From the scheduler node's parameters to the configuration of a run."""

from __future__ import annotations

from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import parse_model
from segue_core.latency import injected_latency
from segue_core.scheduler_config import RunSettings, SchedulerConfig
from segue_scheduler import bounded_corrector as correction
from segue_scheduler import continuation, termination


class SchedulerParameters(RunSettings):
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
    state_timeout_s: float = Field(
        default=0.5, gt=0, le=10, description="a run ends before an observation is so old [s]"
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


def scheduler_config(given: RunSettings, continuation: str, time_limit_s: float) -> SchedulerConfig:
    """Configuration of one run.

    Raises:
        ConfigError: a value that the scheduler refuses, naming it.
    """
    values = given.model_dump(include=set(SchedulerConfig.model_fields)) | {"time_limit_s": time_limit_s}
    values["continuation"] = continuation or given.continuation
    return parse_model(values, SchedulerConfig, "scheduler")


def check(given: RunSettings, space: ActionSpace) -> None:
    """Refuse parameters that no run could start with, when the node is configured.

    Raises:
        ConfigError: unknown continuation, rule or option, or a value out of range, naming it.
    """
    check_config(scheduler_config(given, "", given.time_limit_s or 1.0), space)
    injected_latency(given.latency, 0)


def check_config(config: SchedulerConfig, space: ActionSpace) -> None:
    """Refuse a continuation or a rule that is not there, or an option that it does not have; ConfigError as `check`."""
    continuation.create(config.continuation, config.continuation_options)
    correction.create(config, space)
    termination.create(config, space)
