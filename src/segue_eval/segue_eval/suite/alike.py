"""Whether the policies that a claim compares were made alike: a better one may only have been trained longer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue_eval.suite.run import Cell
from segue_eval.suite.spec import SuiteSpec
from segue_policies.checkpoints.checkpoint import CONFIG, read_config
from segue_policies.checkpoints.provenance import Provenance


@dataclass(frozen=True)
class Pair:
    """Two checkpoints that some claim compares.

    Args:
        differences: what they were not given alike; None when one of them does not say what it was made from.
    """

    first: str
    second: str
    differences: tuple[str, ...] | None

    @property
    def words(self) -> str:
        """For people, one line."""
        between = f"{self.first} and {self.second}"
        if self.differences is None:
            return f"{between}: at least one does not say what it was made from"
        if self.differences:
            return f"{between} were not made alike: {'; '.join(self.differences)}"
        return f"{between}: same data, corrections, start, steps, batch, rate and seed"

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        differences = None if self.differences is None else list(self.differences)
        return {"first": self.first, "second": self.second, "differences": differences}


def compared(spec: SuiteSpec, tasks: Sequence[str], cells: Sequence[Cell]) -> tuple[Pair, ...]:
    """Every two different checkpoints that a claim compares on a task, once, in the order of the claims."""
    by_key = {cell.job.key: cell for cell in cells if cell.results}
    return tuple(dict.fromkeys(_pairs(spec, tasks, by_key)))


def _pairs(spec: SuiteSpec, tasks: Sequence[str], cells: dict[tuple[str, str], Cell]) -> Iterator[Pair]:
    for task in tasks:
        for claim in spec.claims:
            both = [cells.get((task, name)) for name in (claim.first, claim.second)]
            made = sorted({cell.job.setup.checkpoint for cell in both if cell and cell.job.setup} - {""})
            if len(made) == 2:
                yield _pair(Path(made[0]), Path(made[1]))


def _pair(first: Path, second: Path) -> Pair:
    one, two = _made(first), _made(second)
    return Pair(first.name, second.name, one.differences(two) if one and two else None)


def _made(folder: Path) -> Provenance | None:
    ours = (folder / CONFIG).is_file()
    return read_config(folder).provenance if ours else None
