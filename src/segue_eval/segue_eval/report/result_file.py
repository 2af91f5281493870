"""`result.json` of a run folder: how the run ended and what it was asked for.

It need not be there; where it is, it is checked.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from segue_core.contracts.base import StrictModel
from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_written

RESULT = "result.json"
_Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=True)]


class RunResult(StrictModel, extra="allow"):
    """What `segue run`, `replay` and `eval --videos` leave; each its own part of it."""

    success: StrictBool | None = Field(default=None, description="whether the task succeeded")
    outcome: StrictStr = Field(default="", description="a word of `segue_core.ending_words`")
    rule: StrictStr = Field(default="", description="what ended the run")
    reason: StrictStr = Field(default="", description="why it ended, in words")
    starved_ticks: StrictInt = Field(default=0, ge=0, description="ticks without an action")
    episode_s: _Number = Field(default=0.0, description="length [s]")
    score: _Number = Field(default=0.0, description="the task's score")
    bag: StrictStr = Field(default="", description="folder of the recording")
    error_code: StrictInt = Field(default=0, ge=0, lt=700, description="0 without a fault")
    exit_status: StrictInt = Field(default=0, ge=0, lt=256, description="of the command")
    seed: StrictInt = Field(default=0, ge=0, le=2**53, description="of the world")
    metrics: dict[str, Any] = Field(default={}, description="numbers by name")
    arguments: dict[str, Any] = Field(default={}, description="what the run was asked for")


def read_result(run: Path) -> dict[str, Any]:
    """What the file of the folder `run` says; empty without one.

    Raises:
        DataError: it is no regular file, not JSON, or has a value that no run leaves; names the file and the key.
    """
    path = run / RESULT
    if not path.exists():
        return {}
    told = read_written(path, RunResult, partial(DataError, ErrorCode.DATA_CONVERSION))
    return told.model_dump(exclude_unset=True)
