"""What a lesson has done so far, in `learn.json`: its options, seconds and figures; so that it can go on."""

from __future__ import annotations

import json
import resource
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
        processor_s: processor time by stage, of all processes that it started, over all attempts.
        figures: what stages have to say, by name.
    """

    folder: Path
    options: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)
    processor_s: dict[str, float] = field(default_factory=dict)
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
            names = ("options", "seconds", "processor_s", "figures")
            before, seconds, processor_s, figures = (dict(there[name]) for name in names)
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
        return cls(folder, options, seconds, processor_s, figures)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of the block, also when it is interrupted."""
        start, computed = time.monotonic(), _processor_s()
        try:
            yield
        finally:
            _add(self.seconds, name, time.monotonic() - start)
            _add(self.processor_s, name, _processor_s() - computed)
            self.write()

    def write(self) -> None:
        """Save it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ("options", "seconds", "processor_s", "figures")
        content = {name: getattr(self, name) for name in names}
        write_text(self.folder / FILE, json.dumps(content, indent=1) + "\n")


def _add(seconds: dict[str, float], name: str, more: float) -> None:
    seconds[name] = round(seconds.get(name, 0.0) + more, 1)


def _processor_s() -> float:
    """Of this process and of those that it has waited for [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
