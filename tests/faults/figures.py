"""The figures of the fault suite: one line per test, as JSON while it runs and as a table at the end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FIELDS = {
    "row": "row",
    "fault": "fault",
    "robot": "robot",
    "stop_ms": "guard stops after [ms]",
    "rest_ms": "at rest after [ms]",
    "bound_ms": "bound [ms]",
    "code": "code",
    "note": "what else was measured",
}


class Figures:
    """Gathers lines in a JSON lines file, so that a run that is cut off keeps what it measured."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, row: int, fault: str, robot: str = "", **figures: Any) -> None:
        """One line. Figures are those of `FIELDS`; `note` is free text.

        Raises:
            KeyError: a figure that the table has no column for.
        """
        unknown = set(figures) - set(FIELDS)
        if unknown:
            raise KeyError(f"no column for {sorted(unknown)}; there are {sorted(FIELDS)}")
        line = {"row": row, "fault": fault, "robot": robot, **figures}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def table(self) -> str:
        """All lines as a table in Markdown, by row and robot."""
        if not self.path.is_file():
            return ""
        lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        lines.sort(key=lambda line: (line["row"], line["fault"], line["robot"]))
        head = "| " + " | ".join(FIELDS.values()) + " |"
        return "\n".join([head, "|" + "---|" * len(FIELDS), *map(_row, lines)])


def _row(line: Mapping[str, Any]) -> str:
    return "| " + " | ".join(_text(line.get(name, "")) for name in FIELDS) + " |"


def _text(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
