"""A policy by its name: what `config/policies/<name>.yaml` says, over what its method says; or a method alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.errors import unknown_name
from segue_core.files import load_config
from segue_core.scheduler_config import ChunkLengths
from segue_policies import method as methods
from segue_policies.method import find_method

_ANY = "naive_async"  # what every policy can be continued by


class PolicyEntry(StrictModel):
    """How a policy is started, as `config/policies/<name>.yaml` describes it; what is left out is the method's."""

    name: str = Field(description="the name used as `policy:=` argument")
    method: str = Field(default="", description="method, by name; empty: that of the same name")
    description: str = Field(default="", description="one sentence for people")
    package: str = Field(default="segue_policies", description="package of the node")
    executable: str = Field(default="policy", description="executable of the node")
    checkpoint: str = Field(
        default="", description="folder of the trained weights; may use ${config} and ${task}"
    )
    continuation: str = Field(default="", description="continuation when none is asked for")
    stride: int = Field(
        default=0, ge=0, le=1024, description="ticks between two inference starts with that method; 0: usual"
    )
    delay: int = Field(default=-1, ge=-1, le=1024, description="ticks of one inference with it; -1: usual")
    nice: int = Field(
        default=5, ge=0, le=19, description="how much its node yields to the controllers on a busy machine"
    )
    real_time_factors: Mapping[str, float] = Field(
        default={}, description="by task: simulated seconds per second that two cores keep up with, if not 1"
    )
    privileged: bool = Field(default=False, description="the simulator tells it the whole state of the world")

    @property
    def foreign(self) -> bool:
        """Whether its node is another package's, which needs no method of ours."""
        return (self.package, self.executable) != ("segue_policies", "policy")


_USUAL = (ChunkLengths().stride, ChunkLengths().delay)


def _lengths(entry: PolicyEntry, usual: tuple[int, int]) -> dict[str, int]:
    stride, delay = usual
    return {"stride": entry.stride or stride, "delay": delay if entry.delay < 0 else entry.delay}


def policy_names(files: Mapping[str, Path]) -> list[str]:
    """Names of the policies that are described in `files` (by name) or are methods, sorted."""
    return sorted({*files, *methods.policy_names()})


def policy_entry(name: str, files: Mapping[str, Path]) -> PolicyEntry:
    """The policy called `name`, with nothing left out.

    Raises:
        ConfigError: no such policy, or its file is wrong.
    """
    if name not in (known := policy_names(files)):
        raise unknown_name("policy", name, known)
    entry = load_config(files[name], PolicyEntry, "policy") if name in files else PolicyEntry(name=name)
    if entry.foreign:
        return entry.model_copy(update=_lengths(entry, _USUAL) | {"continuation": entry.continuation or _ANY})
    method = find_method(entry.method or name)
    usual = f"${{config}}/checkpoints/{name}_${{task}}" if method.checkpoint else ""
    return entry.model_copy(
        update=_lengths(entry, (method.stride, method.delay))
        | {
            "method": method.name,
            "description": entry.description or method.description,
            "checkpoint": entry.checkpoint or usual,
            "continuation": entry.continuation or method.continuation,
            "privileged": entry.privileged or method.privileged,
        }
    )
