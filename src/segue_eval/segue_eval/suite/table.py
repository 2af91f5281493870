"""The paper's table with ours beside it: plain text for a terminal, Markdown, CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from segue_eval.claims import Claim
from segue_eval.statistics import Estimate
from segue_eval.suite.outcome import SuiteRun, ours
from segue_eval.suite.run import Cell
from segue_eval.suite.spec import METRICS
from segue_eval.summary import COLUMNS, Column

OUTCOME_METRICS = ("success", "false_stop", "missed_stop", "completion", "starved", "shortened")
"""Printed beside every table of a paper: how the episodes ended."""

_CSV_HEADER = (
    "task", "group", "cell", "label", "metric", "unit", "paper_mean", "paper_se", "mean", "se", "median", "n",
)  # fmt: skip

Rows = list[list[str]]


def has_facts(run: SuiteRun, metric: str) -> bool:
    """Whether the paper prints this metric for any cell that was asked for."""
    return any(run.spec.fact(*cell.job.key, metric) for cell in run.cells)


def _labels(cell: Cell) -> list[str]:
    return [cell.job.task, cell.job.cell.group, cell.job.cell.label]


def printed(fact: tuple[float, float] | None, digits: int) -> str:
    """A number of the paper; a dash where it has none."""
    return Estimate(*fact, count=2 if fact[1] else 1).text(digits) if fact else "-"


def paper_table(run: SuiteRun) -> Rows:
    """Header and one row per cell: for each metric the paper's value (where it prints any) and ours."""
    header, rows = ["task", "", "method"], [_labels(cell) for cell in run.cells]
    for key in run.spec.columns:
        column = METRICS[key]
        facts = has_facts(run, key)
        header += [f"{column.title} {run.spec.paper_name}", "ours"] if facts else [column.title]
        for row, cell in zip(rows, run.cells, strict=True):
            row += [printed(run.spec.fact(*cell.job.key, key), column.digits)] if facts else []
            row += [column.text(ours(cell, key)) if cell.results else "not run"]
    return _without_empty([header, *rows])


def outcome_table(run: SuiteRun) -> Rows:
    """How the episodes of each cell ended."""
    columns = [METRICS[key] for key in OUTCOME_METRICS if key not in run.spec.columns]
    header = ["task", "", "method", "episodes", *(column.title for column in columns)]
    rows = [
        [*_labels(cell), str(len(cell.results)), *(c.text(ours(cell, c.key)) for c in columns)]
        for cell in run.ran
    ]
    return _without_empty([header, *rows])


def modes_table(run: SuiteRun) -> Rows:
    """How often each policy had two ways to go on."""
    rows = [
        [task, name, str(found.requests), f"{100 * found.share:.0f}" if found.requests else "-"]
        for (task, name), found in run.modes.items()
    ]
    return [["task", "policy", "requests", "two-moded [%]"], *rows]


def number(value: float | None, digits: int = 4) -> str:
    """A short number; a dash for one that is not there."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def difference(claim: Claim, column: Column) -> str:
    """`-1.52 ± 0.31 [-2.15, -0.89]`, with the median of a heavy-tailed metric; a dash where nothing was compared."""
    if "difference" not in claim.statistics:
        return "-"
    value = {name: f"{number:+.{column.digits}f}" for name, number in claim.statistics.items()}
    error = f"{claim.statistics['standard_error']:.{column.digits}f}"
    median = f", median {value['median_difference']}" if column.heavy else ""
    if not math.isfinite(claim.statistics["standard_error"]):
        return f"{value['difference']}, one seed"
    return f"{value['difference']} ± {error} [{value['interval_low']}, {value['interval_high']}]{median}"


def claims_table(run: SuiteRun) -> Rows:
    """Header and one row per claim: verdict, then what it rests on."""
    columns = {claim.id: METRICS[claim.metric] for claim in run.spec.claims}
    rows = []
    for claim in run.claims:
        name, _, task = claim.id.partition("/")
        n = f"{claim.statistics['n']:.0f}" if "n" in claim.statistics else "-"
        p = number(claim.statistics.get("p_value"), 2)
        compared = difference(claim, columns[name])
        rows.append([claim.text, task, claim.verdict.words, columns[name].title, compared, p, n])
    return [["claim", "task", "verdict", "metric", "difference ± SE [95 %]", "p", "n"], *rows]


def _without_empty(rows: Rows) -> Rows:
    """Leave out columns in which no row says anything."""
    keep = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    return [[row[i] for i in keep] for row in rows]


def words(rows: Rows) -> set[int]:
    """Columns of words, which are aligned left."""
    titles = ("", "task", "method", "claim", "verdict", "metric")
    return {i for i, title in enumerate(rows[0]) if title in titles}


def as_text(rows: Rows) -> str:
    """Aligned columns for a terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = words(rows)
    lines = [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def as_markdown(rows: Rows) -> str:
    """A pipe table."""
    left = words(rows)
    rule = [":--" if i in left else "--:" for i in range(len(rows[0]))]
    cells = [rows[0], rule, *rows[1:]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def as_csv(run: SuiteRun) -> str:
    """One line per cell and metric: the paper's mean and standard error, and ours with n."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_HEADER)
    for cell in run.cells:
        for column in COLUMNS:
            value = ours(cell, column.key)
            fact = run.spec.fact(*cell.job.key, column.key)
            spec = cell.job.cell
            place = [cell.job.task, spec.group, spec.id, spec.label, column.key, column.title]
            writer.writerow([*place, *(fact or ("", "")), *_numbers(value)])
    return text.getvalue()


def _numbers(value: Estimate) -> Sequence[object]:
    error = value.standard_error if math.isfinite(value.standard_error) else ""
    return (value.mean, error, value.median, value.count) if value.count else ("", "", "", 0)
