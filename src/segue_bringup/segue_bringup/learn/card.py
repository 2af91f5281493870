"""The page of a lesson, and the table of several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from segue_bringup.learn.journal import Journal
from segue_data.storage.atomic import write_text

CARD, TABLE = "README.md", "table.md"


def write_card(folder: Path, journal: Journal) -> None:
    """What was asked for, what it took and what came out."""
    options, figures = journal.options, journal.figures
    both = [(name, journal.seconds[name], journal.processor_s[name]) for name in journal.seconds]
    both += [("all", sum(journal.seconds.values()), sum(journal.processor_s.values()))]
    stages = "\n".join(f"| {name} | {wall / 60:.1f} | {used / 60:.1f} |" for name, wall, used in both)
    settings = yaml.safe_dump(options, sort_keys=False)
    text = f"""# {options["robot"]} learns {options["task"]}

**{rate(figures)}** of {figures["episodes"]} held-out episodes (seeds {options["seeds"]}),
95 % interval {interval(figures)}.

{figures["recorded"]} demonstrations of {figures["tried"]} seeds, {figures["trained"]} training steps.
The policy is [policy](policy/README.md), the episodes are in [evaluation](evaluation/report.html).

| stage | minutes | of processors |
|---|---|---|
{stages}

Again: `segue learn {" ".join(f"{name}:={value}" for name, value in options.items())}`

```yaml
{settings}```
"""
    write_text(folder / CARD, text)


def table(lessons: Mapping[str, dict[str, Any] | str]) -> str:
    """Markdown: a row for each lesson's figures, or for what ended it."""
    rows = [f"| {name} | {_row(found)} |" for name, found in lessons.items()]
    head = "| robot, task | success | 95 % interval | demonstrations | steps |\n|---|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n"


def rate(figures: Mapping[str, Any]) -> str:
    """The share of episodes that succeeded."""
    return f"{100 * figures['success']:.0f} %"


def interval(figures: Mapping[str, Any]) -> str:
    """Its confidence interval."""
    low, high = figures["success_interval"]
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _row(found: dict[str, Any] | str) -> str:
    if isinstance(found, str):
        return f"{found} | | |"
    return f"{rate(found)} | {interval(found)} | {found['recorded']} | {found['trained']}"
