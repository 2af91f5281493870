"""The report page of one run."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from segue_core.ending_words import ending_word
from segue_eval import page
from segue_eval.report.actions import ActionPanels, action_series
from segue_eval.report.chunk_figures import guidance_section, seams_section
from segue_eval.report.guard_words import EXPLAINED, meaning, refusals
from segue_eval.report.metrics import jitter_ms
from segue_eval.report.run_data import RunData
from segue_eval.report.run_figures import jitter_section, progress_section, timeline_figure

_EMBED_BYTES = 24 * 2**20  # a larger video is linked, so that the page still opens quickly


@dataclass(frozen=True)
class Film:
    """The run's video: its file, and the run's time at its first frame [s]."""

    path: Path
    start_s: float


def _number(value: object, digits: int, scale: float = 1.0, unit: str = "") -> str:
    return f"{value * scale:.{digits}f}{unit}" if isinstance(value, int | float) else "-"


def _tiles(metrics: Mapping[str, object]) -> dict[str, str]:
    placed = f"{_number(metrics['placed'], 0)} / {metrics['total']}"
    return {
        "duration": _number(metrics["duration_s"], 1, unit=" s"),
        "score": _number(metrics["score"], 1),
        "parts done": placed,
        "starved ticks": str(metrics["starved_ticks"]),
        "chunks": str(metrics["chunks"]),
        "first action": _number(metrics["time_to_first_action_s"], 2, unit=" s"),
        "mean delay": _number(metrics["delay_ticks_mean"], 1, unit=" ticks"),
        "overlap RMSE × 1000": _number(metrics["overlap_motion_mean"], 2, 1e3),
        **_guard_tile(metrics),
        "NSPARC": _number(metrics["nsparc"], 2),
        "NLDLJ": _number(metrics["nldlj"], 2),
    }


def _guard_tile(metrics: Mapping[str, object]) -> dict[str, str]:
    """A headline only where the guard refused or stopped something; what it smooths is no news."""
    refused = metrics["guard_refusals"]
    return {"refused by the guard": str(refused)} if refused else {}


def _pill(metrics: Mapping[str, object]) -> str:
    ending = ending_word(str(metrics["outcome"]))
    return f'<span class="pill {ending.mood}" title="{escape(ending.meaning)}">{escape(ending.word)}</span>'


def _header(facts: Mapping[str, object], metrics: Mapping[str, object], run: RunData) -> str:
    parts = (facts.get("task"), facts.get("policy"), run.continuation)
    title = " · ".join(dict.fromkeys(str(part) for part in parts if part))
    rule = f"ended by the rule {metrics['rule']}: " if metrics["rule"] else ""
    details = ", ".join(
        f"{name} {facts[name]}" for name in ("robot", "seed", "sim") if facts.get(name) is not None
    )
    story = " · ".join(part for part in (rule + str(metrics["reason"]), details) if part)
    return (
        f'<header><div class="title"><h1>{escape(title)}</h1>{_pill(metrics)}</div>'
        f'<p class="sub">{escape(story)}</p>'
        f"{page.tiles(_tiles(metrics))}</header>"
    )


def _video(film: Film | None) -> str:
    if film is None:
        return '<p class="note">The bag holds no camera images.</p>'
    small = film.path.stat().st_size <= _EMBED_BYTES
    source = film.path.name
    if small:
        source = "data:video/mp4;base64," + base64.b64encode(film.path.read_bytes()).decode()
    start = f'data-start="{film.start_s:.3f}"'
    return f'<video controls muted playsinline preload="auto" {start} src="{source}"></video>'


def _safety_section(run: RunData) -> str:
    ordered = sorted(run.safety_counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [[name, meaning(name), str(count)] for name, count in ordered]
    header = ["intervention", "what it means", "count"]
    table = page.html_table(header, rows, words={0, 1}) if rows else "<p>It changed nothing.</p>"
    late = f"<p>Late controller cycles: {run.late_cycles}.</p>" if run.late_cycles else ""
    total, refused = sum(run.safety_counts.values()), refusals(run.safety_counts)
    summary = f"<summary>{total} interventions, {refused} of them refusals or stops</summary>"
    return page.section("Safety guard", f"<details>{summary}{table}</details>", late, note=EXPLAINED)


def _metrics_section(metrics: Mapping[str, object]) -> str:
    rows = [[name, _plain(value)] for name, value in metrics.items() if not isinstance(value, Mapping)]
    table = page.html_table(["metric", "value"], rows)
    return f"<section><details><summary>All metrics</summary>{table}</details></section>"


def _plain(value: object) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _config_section(config: str) -> str:
    if not config:
        return ""
    return (
        f"<section><details><summary>Configuration</summary><pre>{escape(config)}</pre></details></section>"
    )


def _series(run: RunData) -> dict[str, object]:
    jitter = [None, *np.round(jitter_ms(run), 2).tolist()]
    charts: dict[str, object] = dict(action_series(run))
    charts |= {"jitter": [("deviation ms", jitter)], "phase": [("", list(run.phases))]}
    charts |= {
        "delay": [("planned", run.expected_delay.tolist())],
        "age": [("ticks", run.action_age.tolist())],
    }
    return {"t": np.round(run.seconds, 3).tolist(), "charts": charts}


def report_page(
    run: RunData, metrics: Mapping[str, object], facts: Mapping[str, object], config: str, film: Film | None
) -> str:
    """The whole page.

    Args:
        facts: names for the header (task, policy, robot, seed); absent ones are left out.
        config: configuration of the run, shown verbatim.
    """
    body = [
        _header(facts, metrics, run),
        page.section("The run", _video(film), timeline_figure(run)),
        progress_section(run),
        ActionPanels(run).section(),
        seams_section(run),
        guidance_section(run),
        jitter_section(run),
        _safety_section(run),
        _metrics_section(metrics),
        _config_section(config),
    ]
    return page.document(f"{facts.get('task', 'run')} · report", body, _series(run))
