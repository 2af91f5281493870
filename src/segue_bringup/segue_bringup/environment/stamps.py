"""Stamps: what each set-up step was last finished with, so that a step is done once and resumed after a crash.

A stamp is written after its step has succeeded, by an atomic rename. A step whose digest differs from its
stamp is done again, and so is every later one, because each digest contains the one before.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def digest(*parts: str) -> str:
    """16 hex digits that change when any of the texts changes or moves."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode()
        hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.hexdigest()[:16]


def digest_files(root: Path, files: Iterable[Path]) -> str:
    """Digest of the names (relative to `root`) and contents of files; a missing file counts as empty."""
    parts: list[str] = []
    for file in sorted(files):
        text = file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""
        parts += [file.relative_to(root).as_posix(), text]
    return digest(*parts)


class StampStore:
    """One small file per step in a folder. Not safe for two writers: hold the set-up lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> str | None:
        """The stamp of a step, or None when it never finished."""
        try:
            return (self.folder / f"{key}.stamp").read_text().strip() or None
        except OSError:
            return None

    def write(self, key: str, value: str) -> None:
        """Remember that a step finished; complete or absent after a crash, never half."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{key}.{os.getpid()}"
        with temporary.open("w") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / f"{key}.stamp")

    def forget(self, key: str) -> None:
        """Remove a stamp, so that the step is done again."""
        (self.folder / f"{key}.stamp").unlink(missing_ok=True)
