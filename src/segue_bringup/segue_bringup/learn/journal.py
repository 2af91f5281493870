"""What a lesson has done so far, in `learn.json`: its options, seconds and figures; so that it can go on."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Share
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import read_written
from segue_data.storage.atomic import write_text

FILE = "learn.json"
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Spent = Annotated[float, Field(ge=0, le=1e9)]


class Figures(StrictModel):
    """What stages have to say; each is there when its stage is done."""

    tried: _Count = 0
    recorded: _Count = 0
    prepared: bool = False
    minutes: Annotated[float, Field(ge=0, le=1e7)] = 0.0
    trained: _Count = 0
    episodes: Annotated[int, Field(ge=1, le=10**9)] = 1
    success: Share = 0.0
    success_interval: tuple[Share, Share] = (0.0, 1.0)


class _Written(StrictModel):
    options: dict[str, Any]
    seconds: dict[str, _Spent]
    processor_s: dict[str, _Spent]
    figures: Figures

    @model_validator(mode="after")
    def _of_the_same_stages(self) -> _Written:
        if self.seconds.keys() != self.processor_s.keys():
            raise ValueError(
                f"seconds are of {sorted(self.seconds)}, processor_s of {sorted(self.processor_s)}; allowed: the same"
            )
        return self


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

        def wrong(text: str) -> ConfigError:
            do = f"move {folder} away, or choose another out:="
            return ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"not the journal of a lesson: {text}", do=do)

        there = read_written(folder / FILE, _Written, wrong)
        before = there.options
        differs = [f"{k} {before.get(k)}, now {v}" for k, v in options.items() if before.get(k) != v]
        if differs:
            text = f"{folder / FILE}: the lesson was begun with {'; '.join(differs)}"
            raise ConfigError(
                ErrorCode.CONFIG_CONFLICT, text, do="give the same options, or choose another out:="
            )
        figures = there.figures.model_dump(exclude_unset=True)
        return cls(folder, options, dict(there.seconds), dict(there.processor_s), figures)

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
