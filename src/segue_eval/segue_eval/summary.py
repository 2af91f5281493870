"""Numbers of many episodes: one table row per setup, CSV and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from segue_eval.claims import Claim
from segue_eval.result import FAULT_RULE, SAID, TIMES, EpisodeResult
from segue_eval.statistics import Estimate, estimate, wilson_interval


@dataclass(frozen=True)
class Column:
    """A metric of one episode: how to read and print it (`scale` as the paper does), which way is better, what it is.

    Columns that are not `printed` are in JSON, pages and claims, and left out of the terminal's table. Of `heavy` ones
    a single episode can outweigh all others: the median stands beside the mean where it tells another story.
    """

    key: str
    title: str
    read: Callable[[EpisodeResult], float]
    scale: float = 1.0
    digits: int = 2
    lower_is_better: bool = True
    printed: bool = True
    heavy: bool = False
    means: str = ""

    def text(self, value: Estimate) -> str:
        """`value`, in the printed unit, for people: `286.00 ± 110.00, median 91.00`."""
        median = f", median {value.median:.{self.digits}f}" if self.heavy and value.heavy_tailed else ""
        return value.text(self.digits) + median


def _mean_delay(result: EpisodeResult) -> float:
    return estimate(result.delays).mean


def _completion(result: EpisodeResult) -> float:
    """Time of a successful episode [s]; NaN for the others, which end at a limit that says nothing."""
    return result.seconds if result.success else math.nan


COLUMNS: tuple[Column, ...] = (
    Column(
        "success", "success [%]", lambda r: float(r.success), 100.0, 1, lower_is_better=False,
        means="the run ended as done, and the simulator's judge agrees",
    ),
    Column(
        "false_stop", "false stop [%]", lambda r: float(r.false_stop), 100.0, 1,
        means="termination said done, the judge says no",
    ),
    Column(
        "missed_stop", "missed stop [%]", lambda r: float(r.missed_stop), 100.0, 1,
        means="the judge says done, and the run went on to its limit",
    ),
    Column(
        "score", "score", lambda r: r.score, lower_is_better=False,
        means="the judge's points for how far the task was done",
    ),
    Column("seconds", "time [s]", lambda r: r.seconds, means="length of the episode; a failed one lasts to its limit"),
    Column(
        "completion", "time when done [s]", _completion, printed=False,
        means="length of the successful episodes",
    ),
    Column("tries", "tries", lambda r: float(r.tries), printed=False, means="attempts at a seed until one succeeded"),
    Column(
        "nsparc", "NSPARC", lambda r: r.smooth.nsparc,
        means="how ragged the speed is, by its spectrum up to the first frequency below 5 % (Legato, App. D)",
    ),
    Column(
        "sparc_reference", "NSPARC, last crossing", lambda r: r.smooth.sparc_reference, printed=False,
        means="the same up to the last frequency above 5 %, as its first authors' code; grows with the length",
    ),
    Column(
        "nldlj", "NLDLJ", lambda r: r.smooth.nldlj,
        means="how jerky the motion is between the seams, as a logarithm (Legato, App. D); grows with the length",
    ),
    Column(
        "nsparc_5s", "NSPARC in 5 s", lambda r: r.smooth.nsparc_5s, printed=False,
        means="mean NSPARC of windows of 5 s, whatever the length of the episode",
    ),
    Column(
        "sparc_reference_5s", "NSPARC in 5 s, last crossing", lambda r: r.smooth.sparc_reference_5s, printed=False,
        means="the same up to the last frequency above 5 %",
    ),
    Column(
        "nldlj_5s", "NLDLJ in 5 s", lambda r: r.smooth.nldlj_5s, printed=False,
        means="mean NLDLJ of windows of 5 s, whatever the length of the episode",
    ),
    Column(
        "overlap_motion", "overlap RMSE x1e3", lambda r: r.overlap_motion, 1e3, heavy=True,
        means="how far a new chunk is from the one before it where both have actions, in the numbers that move an arm "
        "[m, rad]",
    ),
    Column(
        "overlap_gripper", "of grippers x1e3", lambda r: r.overlap_gripper, 1e3, heavy=True,
        means="the same of the grippers, from 0 (open) to 1 (closed): mostly when they close",
    ),
    Column(
        "overlap_rmse", "of all numbers x1e3", lambda r: r.overlap_rmse, 1e3, printed=False, heavy=True,
        means="the same of metres, radians and grippers together",
    ),
    Column(
        "seam_jump", "seam jump x1e3", lambda r: r.seam_jump, 1e3, heavy=True,
        means="the step of the commands where one chunk takes over from another",
    ),
    Column(
        "chunks", "chunks", lambda r: float(len(r.seams)), digits=1, printed=False,
        means="chunks of which something was executed",
    ),
    Column(
        "path", "path [m]", lambda r: r.path_m, printed=False,
        means="how far the commands move all end-effectors together",
    ),
    Column(
        "pearson", "progress, Pearson", lambda r: r.progress_pearson, digits=3, lower_is_better=False, printed=False,
        means="correlation of what a progress estimator said with the ramp from 0 to 1 over the episode",
    ),
    Column(
        "progress_mae", "progress, MAE", lambda r: r.progress_mae, digits=3, printed=False,
        means="how far what it said is from that ramp, over all it said",
    ),
    Column(
        "stop_reliability", "stop reliability [%]", lambda r: r.stop_reliable, 100.0, 1, lower_is_better=False,
        printed=False, means="it said more than 0.9 in the last 10 ticks",
    ),
    Column("delay", "delay [ticks]", _mean_delay, digits=1, means="from asking for a chunk to its first action"),
    Column(
        "first_action", "first action [s]", lambda r: r.first_action_s, printed=False,
        means="from the start to the first action of a chunk",
    ),
    Column(
        "starved", "starved ticks", lambda r: float(r.starved), digits=1,
        means="ticks for which there was no action",
    ),
    Column(
        "shortened", "shortened", lambda r: float(r.shortened), digits=1, printed=False,
        means="requests that claimed a shorter delay or ramp than planned",
    ),
    Column(
        "interventions", "guard interventions", lambda r: float(r.interventions), digits=1, heavy=True,
        means="joint targets that the safety guard changed, counted per joint and controller update (120 a second); "
        "mostly small smoothing, so hundreds are usual and no fault",
    ),
)  # fmt: skip


def estimates(results: Sequence[EpisodeResult]) -> dict[str, Estimate]:
    """Mean and standard error of every column, unscaled, by column key."""
    return {column.key: estimate(column.read(result) for result in results) for column in COLUMNS}


def success_interval(results: Sequence[EpisodeResult]) -> tuple[float, float]:
    """95 % interval of the success rate (Wilson)."""
    return wilson_interval(sum(r.success for r in results), len(results))


def explained(*keys: str) -> list[str]:
    """`title: what it is` of the columns of these keys."""
    return [f"{column.title}: {column.means}" for column in COLUMNS if column.key in keys]


def table(groups: Mapping[str, Sequence[EpisodeResult]], width: int = 80) -> str:
    """Plain-text table with a line per metric and a column per named group: mean ± standard error over its episodes.

    Groups that do not fit `width` characters go on in another table below.
    """
    columns = [_column(name, results) for name, results in groups.items()]
    titles = ["", "episodes", *(column.title for column in COLUMNS if column.printed)]
    blocks: list[list[list[str]]] = []
    for column in columns:
        if blocks and _total([titles, *blocks[-1], column]) <= width:
            blocks[-1].append(column)
        else:
            blocks.append([column])
    return "\n\n".join(_block([titles, *block]) for block in blocks)


def _column(name: str, results: Sequence[EpisodeResult]) -> list[str]:
    values = estimates(results)
    cells = [c.text(values[c.key].scaled(c.scale)) for c in COLUMNS if c.printed]
    return [name, str(len(results)), *cells]


def _total(columns: Sequence[Sequence[str]]) -> int:
    """Characters of a line."""
    return sum(max(map(len, column)) for column in columns) + 2 * (len(columns) - 1)


def _block(columns: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in columns]
    lines = [_join(line, widths) for line in zip(*columns, strict=True)]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


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


def policy_notes(results: Sequence[EpisodeResult]) -> list[str]:
    """What the policy said of its answers, a sentence each, and how often in all episodes."""
    counts: Counter[str] = Counter()
    for note in (note for result in results for note in result.notes if note.startswith(SAID)):
        text, _, count = note.rpartition(TIMES)
        counts[text] += int(count)
    return [f"{text}{TIMES}{count}" for text, count in counts.items()]


def endings(results: Sequence[EpisodeResult]) -> dict[str, int]:
    """How often each termination rule ended an episode."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.rule] = counts.get(result.rule, 0) + 1
    return counts


def faults(results: Sequence[EpisodeResult]) -> dict[str, int]:
    """The sentence of every fault that ended an episode, and how many it ended, the most frequent first."""
    return dict(Counter(result.reason for result in results if result.rule == FAULT_RULE).most_common())


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
        key: value.to_dict() for key, value in estimates(results).items() if value.count
    }
    summary |= {"episodes": len(results), "success_interval": [low, high], "endings": endings(results)}
    return {
        "setup": dict(setup),
        "summary": summary,
        "claims": [claim.to_dict() for claim in claims],
        "rows": [result.to_row() for result in results],
    }
