"""The numbers of an unfinished training, in `state.json` beside its tensors."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import read_written

NUMBERS = "state.json"
_Score = Annotated[float, Field(allow_inf_nan=True)]


class StateNumbers(StrictModel):
    """As `run_state.save_state` writes them.

    Args:
        tensors: name of the file of the tensors that they belong to.
        step, elapsed_s, precision, best, without: where the training stands.
        unlogged: losses that no row of the log has yet.
        memory: what the learner remembers of its evaluations, by name.
        unevaluated: it was interrupted before an evaluation that was due.
    """

    tensors: str = Field(pattern=r"^\d{1,18}\.state\.safetensors$")
    step: int = Field(ge=0, le=10**12)
    elapsed_s: float = Field(default=0.0, ge=0, le=1e9)
    precision: Literal["float32", "bfloat16"] | None = None
    best: _Score | None = None
    without: int = Field(default=0, ge=0, le=10**9)
    unlogged: tuple[float, ...] = Field(default=(), max_length=10_000)
    memory: dict[str, list[_Score]] = Field(default={})
    unevaluated: bool = False


BEGINNING = StateNumbers(tensors="0.state.safetensors", step=0)
"""Of a training that goes on with nothing."""


def read_numbers(folder: Path) -> StateNumbers:
    """Those of a folder; raises PolicyError, TRAINING_FAILED, for others than are written, naming file and key."""
    do = "train anew without --resume, or bring the file back"
    wrong = partial(PolicyError, ErrorCode.TRAINING_FAILED, do=do)
    return read_written(
        folder / NUMBERS, StateNumbers, lambda text: wrong(f"cannot resume from {folder}: {text}")
    )
