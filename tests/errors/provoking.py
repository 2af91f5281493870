"""Who provokes which error: every case is a function that meets one error code on the product's own way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue_core.errors import ErrorCode, SegueError


@dataclass(frozen=True)
class Told:
    """An error that reached its reader as a number and a text: over ROS, or as the outcome of a run."""

    code: int
    text: str


Provoke = Callable[[Path], Told | None]
"""Raises the error, or returns what was told; the path is an empty folder."""


@dataclass(frozen=True)
class Case:
    """One code, how to meet it, and what its text must have: the thing, the value got, what is allowed."""

    code: ErrorCode
    says: tuple[str, ...]
    provoke: Provoke


CASES: list[Case] = []


def provokes(code: ErrorCode, *says: str) -> Callable[[Provoke], Provoke]:
    """Enter a case; `says` are the parts of its text that tell this error from every other of its code."""

    def enter(provoke: Provoke) -> Provoke:
        CASES.append(Case(code, says, provoke))
        return provoke

    return enter


def met(case: Case, folder: Path) -> Told:
    """What a case tells; fails when it tells nothing."""
    try:
        told = case.provoke(folder)
    except SegueError as error:
        return Told(int(error.code), error.advised)
    assert told is not None, f"{case.provoke.__name__} met no error"
    return told
