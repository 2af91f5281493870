"""What a check found: problems with their places, and facts worth printing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Something wrong: where (topic, tick, file) and what, in words."""

    place: str
    what: str
    episode: int | None = None  # of a dataset, where it is one's


@dataclass
class Findings:
    """The result of checking one bag or dataset."""

    path: Path
    kind: str  # "bag" or "dataset"
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # no fault, but good to know before the next step

    @property
    def ok(self) -> bool:
        """No problem was found."""
        return not self.problems

    def add(self, place: str, what: str, episode: int | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(place, what, episode))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        problems = [{"place": problem.place, "what": problem.what} for problem in self.problems]
        return {
            "path": str(self.path),
            "kind": self.kind,
            "ok": self.ok,
            "problems": problems,
            "notes": self.notes,
            "facts": self.facts,
        }
