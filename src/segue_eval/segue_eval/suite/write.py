"""The files that a suite leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from segue_data.storage.atomic import write_text
from segue_eval.suite import charts, table
from segue_eval.suite.outcome import SuiteRun
from segue_eval.suite.page import suite_page


def write_all(run: SuiteRun, folder: Path) -> dict[str, object]:
    """Write suite.json, table.md, table.csv, report.html and plots/ into `folder`; returns what the JSON holds."""
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    data = run.to_dict()
    write_text(folder / "suite.json", json.dumps(data, indent=2, allow_nan=False) + "\n")
    write_text(folder / "table.md", markdown(run))
    write_text(folder / "table.csv", table.as_csv(run))
    write_text(folder / "report.html", suite_page(run))
    for name, svg in _plots(run):
        write_text(plots / f"{name}.svg", standalone(svg))
    return data


def markdown(run: SuiteRun) -> str:
    """Tables and verdicts for a document."""
    about = [run.spec.about, ""] if run.spec.about else []
    seeds = f"{len(run.seeds)} seeds, {run.seeds[0]} to {run.seeds[-1]}"
    parts = [f"## {run.spec.title}", "", f"{run.spec.source}; {seeds}.", "", *about]
    parts += [table.as_markdown(table.paper_table(run)), ""]
    if run.ran:
        parts += [table.as_markdown(table.outcome_table(run)), ""]
    if run.claims:
        parts += [table.as_markdown(table.claims_table(run)), ""]
    if run.modes:
        parts += [table.as_markdown(table.modes_table(run)), ""]
    parts += [f"- policies: {pair.words}" for pair in run.pairs]
    parts += [f"- not run, {cell.job.name}: {cell.missing}" for cell in run.absent]
    return "\n".join(parts).rstrip() + "\n"


def _plots(run: SuiteRun) -> Iterator[tuple[str, str]]:
    if chart := charts.claims_chart(run):
        yield "claims", chart
    for task in run.tasks:
        for key in run.spec.columns:
            if chart := charts.metric_chart(run, key, task):
                yield f"{task}-{key}", chart


def standalone(svg: str) -> str:
    """A chart of a page as a file of its own: with its namespace, the page's colours and a ground to stand on."""
    css = (files("segue_eval") / "assets" / "page.css").read_text(encoding="utf-8")
    head, _, body = svg.partition(">")
    ground = '<rect width="100%" height="100%" fill="var(--panel)"/>'
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{css}</style>{ground}{body}\n'
