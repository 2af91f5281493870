"""Pretrained weights that a checkpoint needs and does not have: known by their digest, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import regular
from segue_policies.checkpoints.checkpoint import PretrainedBase

_PART = 2**24  # bytes that are read at once


def base_of(folder: Path, what: str = "base") -> PretrainedBase:
    """Name and digest of the weights in a folder; raises PolicyError where there are none."""
    total, files = hashlib.sha256(), sorted(folder.expanduser().glob("*.safetensors"))
    if not files:
        raise PolicyError(
            ErrorCode.CHECKPOINT_MISSING, f"{what}: no *.safetensors in this folder", got=folder
        )
    for file in files:
        total.update(file.name.encode() + _digest(file))
    return PretrainedBase(name=folder.name, digest=total.hexdigest())


def refuse_other_base(
    made_on: PretrainedBase | None,
    folder: Path,
    whose: str = "the adapters of this checkpoint",
    what: str = "base",
) -> None:
    """What was trained on some weights means nothing on others; raises PolicyError naming both."""
    found = base_of(folder, what)
    if made_on is None or made_on.digest != found.digest:
        expected = "nothing" if made_on is None else f"{made_on.name} ({made_on.digest[:16]})"
        raise PolicyError(
            ErrorCode.CHECKPOINT_MISMATCH,
            f"{whose} were trained on another {what}",
            got=f"{found.name} ({found.digest[:16]})",
            expected=expected,
            do=f"give {what}:=FOLDER with those weights",
        )


def _digest(file: Path) -> bytes:
    whole = hashlib.sha256()
    with regular(file).open("rb") as opened:
        while part := opened.read(_PART):
            whole.update(part)
    return whole.digest()
