"""Corrections on disk: arrays of equal length and a manifest of how they came about.

    FOLDER/corrections.json                    what they are, and how many
           images.npy state.npy reference.npy action.npy

Written by `segue corrections`, read by `segue train --corrections`. Read through memory maps; nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_core.files import read_array, read_written
from segue_data.errors import writing
from segue_data.storage.arrays import save_array
from segue_data.storage.atomic import write_text
from segue_data.storage.claimed_folder import claimed

_MANIFEST = "corrections.json"
_Rows = Annotated[int, Field(ge=0, le=100_000)]
_ARRAYS = ("images", "state", "reference", "action")


@dataclass(frozen=True, eq=False)
class Correction:
    """One request and its right answer.

    Args:
        images: (cameras, h, w, 3) uint8, as the policy saw them.
        state: (S,), measured.
        reference: (H, D), the plan in play.
        action: (H, D), what should have been answered.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    reference: NDArray[np.float32]
    action: NDArray[np.float32]


@dataclass(frozen=True)
class CorrectionsInfo:
    """How corrections came about.

    Args:
        delay: rows d of the plan that every answer begins with.
        known: rows K of every reference that were planned.
        origin: task, checkpoint, seeds and scheduler, as plain data.
    """

    cameras: tuple[str, ...]
    action_space: Mapping[str, Any]
    delay: int
    known: int
    origin: Mapping[str, Any]


class _Manifest(StrictModel):
    cameras: tuple[str, ...] = Field(min_length=1)
    action_space: dict[str, Any]
    delay: _Rows
    known: _Rows
    origin: dict[str, Any]
    count: int = Field(ge=1, le=10**9)


@dataclass(frozen=True, eq=False)
class CorrectionSet:
    """Corrections in memory or behind memory maps; see `segue_policies.samples.corrections.Corrections`."""

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    reference: NDArray[np.float32]
    action: NDArray[np.float32]
    delay: int
    known: int
    cameras: tuple[str, ...]
    action_space: ActionSpace


def save(folder: Path, corrections: Sequence[Correction], info: CorrectionsInfo) -> None:
    """Write `folder`, which must be new or empty; it is complete or as it was.

    Raises:
        DataError: the folder is occupied, another process writes it, there is nothing to write, or the disk refuses.
    """
    if folder.exists() and any(folder.iterdir()):
        text = f"{folder} is not empty"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do="choose another folder")
    if not corrections:
        text, do = (
            "no corrections: no request had a plan to continue",
            "collect longer episodes or more seeds",
        )
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do)
    manifest = asdict(info) | {"count": len(corrections)}
    with (
        writing(folder),
        claimed(folder.with_name(f"{folder.name}.partial"), lambda: _refuse(folder)) as working,
    ):
        for name in _ARRAYS:
            save_array(working / f"{name}.npy", np.stack([getattr(one, name) for one in corrections]))
        write_text(working / _MANIFEST, json.dumps(manifest, indent=2) + "\n")
        working.replace(folder)


def _refuse(folder: Path) -> None:
    text = f"{folder}: another process writes corrections there"
    raise DataError(ErrorCode.DATA_PATH_REFUSED, text, do="wait for it, or choose another folder")


def refuse_arrays(arrays: Mapping[str, NDArray[Any]], space: ActionSpace, cameras: int) -> None:
    """Raise ValueError for arrays of other shapes or types than `Correction` says, or with numbers that are none."""
    if (
        len(lengths := {name: len(array) for name, array in arrays.items()})
        and len(set(lengths.values())) > 1
    ):
        raise ValueError(f"as many rows in each array, got {lengths}")
    rows = arrays["action"].shape[1:2]
    wanted = {"images": (5, np.uint8, (3,)), "state": (2, np.float32, ())}
    wanted |= dict.fromkeys(("reference", "action"), (3, np.float32, (*rows, space.dim)))
    for name, (axes, kind, last) in wanted.items():
        array = arrays[name]
        if array.ndim != axes or array.dtype != kind or array.shape[axes - len(last) :] != last:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {kind.__name__} (..., {last})")
        if kind is np.float32 and not np.isfinite(array).all():
            raise ValueError(f"{name} has numbers that are not finite")
    if arrays["images"].shape[1] != cameras:
        raise ValueError(f"images are of {arrays['images'].shape[1]} cameras, expected {cameras}")


def load(folder: Path) -> CorrectionSet:
    """Open what `save` wrote.

    Raises:
        DataError: a file is missing, unreadable or of another length, naming it.
    """
    do = "collect them again with segue corrections"
    wrong = partial(DataError, ErrorCode.DATA_DATASET_INVALID, do=do)
    told = read_written(folder / _MANIFEST, _Manifest, wrong)
    try:
        space = ActionSpace.from_dict(told.action_space)
        arrays = {name: read_array(folder / f"{name}.npy") for name in _ARRAYS}
        refuse_arrays(arrays, space, len(told.cameras))
        if len(arrays["action"]) != told.count:
            raise ValueError(f"got {len(arrays['action'])} corrections, expected {told.count}")
        horizon = arrays["action"].shape[1]
        if not told.delay <= told.known <= horizon:
            raise ValueError(
                f"delay {told.delay}, known {told.known}; allowed: delay <= known <= {horizon} rows"
            )
    except (OSError, ValueError, ConfigError) as error:
        raise wrong(f"{folder} holds no corrections: {error!s:.300}") from error
    return CorrectionSet(
        **arrays, delay=told.delay, known=told.known, cameras=told.cameras, action_space=space
    )
