"""The page of a suite: verdicts first, then the paper's table, how episodes ended, and every seed."""

from __future__ import annotations

import json
from html import escape

from segue_eval import page
from segue_eval.claims import Verdict
from segue_eval.suite import charts, table
from segue_eval.suite.modes import DRAWS
from segue_eval.suite.outcome import SuiteRun, counted
from segue_eval.suite.spec import METRICS
from segue_eval.suite.table import OUTCOME_METRICS

_KIND = {
    Verdict.REPRODUCED: "good",
    Verdict.NOT_REPRODUCED: "bad",
    Verdict.INCONCLUSIVE: "warn",
    Verdict.NOT_RUN: "off",
}
_WORDS = {verdict.words: kind for verdict, kind in _KIND.items()}
_MEANS = "Mean and standard error over the seeds."
RULES = (
    "A claim is judged by the 95 % interval of the difference, paired by seed. Reproduced: the whole interval "
    "supports it. Not reproduced: the interval leaves no room for an effect as large as the least that matters, or "
    "for being no worse than the margin. Inconclusive: neither, so more seeds are needed. Filled dot: ours, diamond: "
    "the paper."
)


def _header(run: SuiteRun) -> str:
    pills = [
        f'<span class="pill {_KIND[verdict]}">{count} {escape(verdict.words)}</span>'
        for verdict, count in counted(run.claims).items()
        if count
    ]
    seeds = f"{len(run.seeds)} seeds ({run.seeds[0]} to {run.seeds[-1]}), paired" if run.seeds else ""
    facts = f"{escape(run.spec.source)}. {escape(', '.join(run.tasks))}. {seeds}."
    about = f'<p class="note">{escape(run.spec.about)}</p>' if run.spec.about else ""
    return (
        f'<header><div class="title"><h1>{escape(run.spec.title)}</h1>{"".join(pills)}</div>'
        f'<p class="sub">{facts}</p>{about}</header>'
    )


def _claims(run: SuiteRun) -> str:
    chart = charts.claims_chart(run)
    rows = table.claims_table(run)
    parts = [page.figure("", chart)] if chart else []
    parts.append(page.html_table(rows[0], rows[1:], table.words(rows), _WORDS) if len(rows) > 1 else "")
    return page.section("Claims", *parts, note=RULES)


def _absent(run: SuiteRun) -> str:
    items = "".join(
        f"<li><b>{escape(cell.job.name)}</b><br><code>{escape(cell.missing)}</code></li>"
        for cell in run.absent
    )
    return page.section("Not run", f"<ul>{items}</ul>") if items else ""


def _notes(run: SuiteRun) -> str:
    lines = [f"{cell.job.name}: {note}" for cell in run.cells for note in cell.job.notes]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return page.section("Shortened", f"<ul>{items}</ul>") if items else ""


def _policies(run: SuiteRun) -> str:
    items = "".join(f"<li>{escape(pair.words)}</li>" for pair in run.pairs)
    note = "Policies that a claim compares, by what their checkpoints say of their training."
    return page.section("Made alike?", f"<ul>{items}</ul>", note=note) if items else ""


def _modes(run: SuiteRun) -> str:
    rows = table.modes_table(run)
    note = (
        f"Every request is drawn {DRAWS} times without guidance. Two-moded: the paths fall into two groups whose "
        "means are far apart, for their spread and for the task. Only there can a continuation prevent a switch."
    )
    return page.section("Ways to go on", page.html_table(rows[0], rows[1:], words={0, 1}), note=note)


def _metrics(run: SuiteRun) -> str:
    keys = [*run.spec.columns, *(key for key in OUTCOME_METRICS[:4] if key not in run.spec.columns)]
    panels = [
        page.figure(f"{METRICS[key].title}, {task}" if len(run.tasks) > 1 else METRICS[key].title, chart)
        for task in run.tasks
        for key in keys
        if (chart := charts.metric_chart(run, key, task))
    ]
    note = "A small dot per seed, a large one at the mean with its standard error. Hollow: the paper, on its own scale."
    rows = [[METRICS[key].title, METRICS[key].means] for key in keys]
    listed = page.html_table(["metric", "what it is"], rows, words={0, 1})
    meanings = f"<details><summary>What they are</summary>{listed}</details>"
    return page.section("Metrics", meanings, page.columns(panels), note=note) if panels else ""


def suite_page(run: SuiteRun) -> str:
    """The whole page, self-contained."""
    rows, endings = table.paper_table(run), table.outcome_table(run)
    paper = page.html_table(rows[0], rows[1:], table.words(rows))
    ended = page.html_table(endings[0], endings[1:], table.words(endings)) if len(endings) > 1 else ""
    setups = {cell.job.name: cell.job.setup.to_dict() for cell in run.cells if cell.job.setup}
    plain = escape(json.dumps(setups, indent=2, default=str))
    body = [
        _header(run),
        _claims(run),
        page.section("The paper's table, ours beside it" if run.spec.paper else "Table", paper, note=_MEANS),
        _policies(run),
        _modes(run) if run.modes else "",
        _absent(run),
        _notes(run),
        page.section("How episodes ended", ended, note=_ENDINGS) if ended else "",
        _metrics(run),
        page.section("Setups", f"<details><summary>all of them</summary><pre>{plain}</pre></details>"),
    ]
    return page.document(run.spec.title, [part for part in body if part])


_ENDINGS = (
    "False stop: termination said done and the simulator's judge says no. Missed stop: the judge says done and "
    "termination did not notice. Time when done counts successful episodes only."
)
