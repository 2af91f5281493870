"""What a lesson has done so far, in `learn.json`: its options, seconds and figures; so that it can go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import read_json
from segue_data.storage.atomic import write_text

FILE = "learn.json"


@dataclass
class Journal:
    """One lesson's.

    Args:
        options: what was asked for, of everything that decides the result.
        seconds: wall time by stage, over all attempts.
        figures: what stages have to say, by name.
    """

    folder: Path
    options: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path, options: dict[str, Any]) -> Journal:
        """That of `folder`, new or begun before.

        Raises:
            ConfigError: it was begun with other options, all of which are named, or cannot be read.
        """
        journal = cls(folder, options)
        if not (folder / FILE).is_file():
            return journal
        try:
            there = read_json(folder / FILE)
            before, seconds, figures = (dict(there[name]) for name in ("options", "seconds", "figures"))
        except (OSError, ValueError, TypeError, LookupError) as error:
            text = f"{folder / FILE}: not the journal of a lesson: {error!r:.200}"
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, text, do=f"move {folder} away, or choose another out:="
            ) from error
        differs = [f"{k} {before.get(k)}, now {v}" for k, v in options.items() if before.get(k) != v]
        if differs:
            text = f"{folder} was begun with {'; '.join(differs)}"
            raise ConfigError(
                ErrorCode.CONFIG_CONFLICT, text, do="give the same options, or choose another out:="
            )
        return cls(folder, options, seconds, figures)

    @property
    def used_s(self) -> float:
        """Wall time of all stages so far."""
        return sum(self.seconds.values())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of the block, also when it is interrupted."""
        start, before = time.monotonic(), self.seconds.get(name, 0.0)
        try:
            yield
        finally:
            self.seconds[name] = round(before + time.monotonic() - start, 1)
            self.write()

    def write(self) -> None:
        """Save it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"options": self.options, "seconds": self.seconds, "figures": self.figures}
        write_text(self.folder / FILE, json.dumps(content, indent=1) + "\n")
