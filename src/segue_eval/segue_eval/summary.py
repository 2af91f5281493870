"""Numbers of many episodes: one table row per setup, CSV and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from segue_eval.claims import Claim
from segue_eval.result import EpisodeResult
from segue_eval.statistics import Estimate, estimate, wilson_interval


@dataclass(frozen=True)
class Column:
    """A metric of one episode: how to read and print it (`scale` as the paper does), which way is better.

    Columns that are not `printed` are in JSON, pages and claims, and left out of the one-line table.
    """

    key: str
    title: str
    read: Callable[[EpisodeResult], float]
    scale: float = 1.0
    digits: int = 2
    lower_is_better: bool = True
    printed: bool = True


def _mean_delay(result: EpisodeResult) -> float:
    return estimate(result.delays).mean


def _completion(result: EpisodeResult) -> float:
    """Time of a successful episode [s]; NaN for the others, which end at a limit that says nothing."""
    return result.seconds if result.success else math.nan


COLUMNS: tuple[Column, ...] = (
    Column("success", "success [%]", lambda r: float(r.success), 100.0, 1, lower_is_better=False),
    Column("false_stop", "false stop [%]", lambda r: float(r.false_stop), 100.0, 1),
    Column("missed_stop", "missed stop [%]", lambda r: float(r.missed_stop), 100.0, 1),
    Column("score", "score", lambda r: r.score, lower_is_better=False),
    Column("seconds", "time [s]", lambda r: r.seconds),
    Column("completion", "time when done [s]", _completion, printed=False),
    Column("nsparc", "NSPARC", lambda r: r.nsparc),
    Column("nldlj", "NLDLJ", lambda r: r.nldlj),
    Column("overlap_rmse", "overlap RMSE x1e3", lambda r: r.overlap_rmse, 1e3),
    Column("overlap_motion", "without grippers x1e3", lambda r: r.overlap_motion, 1e3),
    Column("seam_jump", "seam jump x1e3", lambda r: r.seam_jump, 1e3),
    Column("delay", "delay [ticks]", _mean_delay, digits=1),
    Column("starved", "starved ticks", lambda r: float(r.starved), digits=1),
    Column("shortened", "shortened", lambda r: float(r.shortened), digits=1, printed=False),
    Column("interventions", "guard", lambda r: float(r.interventions), digits=1),
)


def estimates(results: Sequence[EpisodeResult]) -> dict[str, Estimate]:
    """Mean and standard error of every column, unscaled, by column key."""
    return {column.key: estimate(column.read(result) for result in results) for column in COLUMNS}


def success_interval(results: Sequence[EpisodeResult]) -> tuple[float, float]:
    """95 % interval of the success rate (Wilson)."""
    return wilson_interval(sum(r.success for r in results), len(results))


def _cell(column: Column, value: Estimate) -> str:
    scaled = Estimate(value.mean * column.scale, value.standard_error * column.scale, value.count)
    return scaled.text(column.digits)


def table(groups: Mapping[str, Sequence[EpisodeResult]]) -> str:
    """Plain-text table with one line per named group: mean ± standard error over its episodes."""
    shown = [column for column in COLUMNS if column.printed]
    header = ["", "episodes", *(column.title for column in shown)]
    lines = [
        [name, str(len(results)), *(_cell(c, estimates(results)[c.key]) for c in shown)]
        for name, results in groups.items()
    ]
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([_join(header, widths), rule, *(_join(line, widths) for line in lines)])


def _join(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    return "  ".join(
        [first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
    ).rstrip()


def shortenings(results: Sequence[EpisodeResult]) -> list[str]:
    """What had to give where delay, stride and ramp did not fit: one sentence, then the scheduler's own words."""
    total, episodes = sum(r.shortened for r in results), sum(r.shortened > 0 for r in results)
    if not total:
        return []
    notes = dict.fromkeys(note for r in results for note in r.notes if "shortened" in note)
    return [f"{total} requests of {episodes} episodes asked for less than configured", *list(notes)[:4]]


def endings(results: Sequence[EpisodeResult]) -> dict[str, int]:
    """How often each termination rule ended an episode."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.rule] = counts.get(result.rule, 0) + 1
    return counts


def to_csv(results: Sequence[EpisodeResult]) -> str:
    """One line per episode with every number of its row (seams and notes left out)."""
    left_out = ("seams", "notes")
    rows = [{k: v for k, v in result.to_row().items() if k not in left_out} for result in results]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["seed"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(
    setup: Mapping[str, object], results: Sequence[EpisodeResult], claims: Sequence[Claim] = ()
) -> dict[str, object]:
    """What `eval --json` writes: setup, summary, claims and every row."""
    low, high = success_interval(results)
    summary: dict[str, object] = {
        key: {"mean": value.mean, "standard_error": value.standard_error, "count": value.count}
        for key, value in estimates(results).items()
        if value.count
    }
    summary |= {"episodes": len(results), "success_interval": [low, high], "endings": endings(results)}
    return {
        "setup": dict(setup),
        "summary": summary,
        "claims": [claim.to_dict() for claim in claims],
        "rows": [result.to_row() for result in results],
    }
