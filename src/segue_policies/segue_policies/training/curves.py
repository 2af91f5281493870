"""Training log as CSV, and its picture."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import read_bytes
from segue_policies.training.run_state import write_atomically

LOSS, SCORES, PICTURE = "loss.csv", "scores.csv", "curves.png"
_MOST_STEPS = 10**12


class Curves:
    """Appends to `loss.csv` and `scores.csv` in a folder and draws `curves.png`."""

    def __init__(self, folder: Path, every: int = 20, first: bool = True) -> None:
        """The loss is logged as the mean of `every` steps; only the `first` of several processes writes."""
        self._folder = folder
        self.every = every
        self._first = first
        self._losses: deque[float] = deque(maxlen=200)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def recent_loss(self) -> float:
        """Mean of the last 200 steps."""
        return sum(self._losses) / max(1, len(self._losses))

    @property
    def unlogged(self) -> list[float]:
        """The newest losses, which the next row is the mean of; to be carried over a resume."""
        return list(self._losses)[-self.every :]

    def go_on(self, losses: Sequence[float]) -> None:
        """Take up the losses that an interrupted run had not logged yet."""
        self._losses.extend(losses)

    def add_loss(self, step: int, loss: float, rate: float) -> None:
        """Log one step."""
        self._losses.append(loss)
        if self._first and step % self.every == 0:
            recent = self.unlogged
            self._append(LOSS, {"step": step, "loss": sum(recent) / len(recent), "learning_rate": rate})

    def add_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Log one evaluation."""
        self._append(SCORES, {"step": step, **scores})

    def cut(self, step: int) -> None:
        """Drop what was logged after `step`, by a run that is now repeated from there (0 drops all)."""
        if not self._first:
            return
        for name in (LOSS, SCORES):
            path = self._folder / name
            rows = [row for row in read_log(path) if row["step"] <= step] if step > 0 else []
            path.unlink(missing_ok=True)
            if rows:
                write_atomically(path, _text(rows).encode())

    def draw(self) -> None:
        """Write `curves.png`: loss, and one panel per score."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        loss, scores = read_log(self._folder / LOSS), read_log(self._folder / SCORES)
        names = [name for name in (scores[0] if scores else {}) if name != "step"]
        panels = [("training loss", loss, "loss"), *((name, scores, name) for name in names)]
        wide = len(panels)
        figure = Figure(figsize=(3.6 * wide, 3.0))
        # Fixed margins: a layout that fits itself draws everything twice.
        figure.subplots_adjust(left=0.2 / wide, right=1 - 0.05 / wide, bottom=0.16, top=0.9, wspace=0.34)
        FigureCanvasAgg(figure)
        for index, (title, rows, key) in enumerate(panels):
            axes = figure.add_subplot(1, wide, index + 1)
            axes.plot([row["step"] for row in rows], [row[key] for row in rows])
            axes.set(title=title, xlabel="step", yscale="log" if "loss" in key else "linear")
        figure.savefig(self._folder / PICTURE, dpi=90)

    def _append(self, name: str, row: Mapping[str, object]) -> None:
        path = self._folder / name
        text = _text([row], header=not path.exists())
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)


def _text(rows: Sequence[Mapping[str, object]], header: bool = True) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_log(path: Path) -> list[dict[str, float]]:
    """Rows of numbers, the step of each among them; none without the file.

    A torn last row, which a killed training leaves, is left out.

    Raises:
        PolicyError: TRAINING_FAILED, naming the row, what is in it, and what to do.
    """
    if not path.exists():
        return []
    try:
        text = read_bytes(path).decode()
        if "\n" not in text:
            return []
        head, *lines = csv.reader(text.splitlines())
        if len(set(head)) < len(head) or "step" not in head:
            raise ValueError(f"row 1: got {head!r:.200}, expected 'step' and other names, each once")
        if lines and not text.endswith("\n"):
            del lines[-1]
        rows = [_numbers(head, line, number) for number, line in enumerate(lines, start=2)]
        for number, (before, after) in enumerate(pairwise(rows), start=3):
            if after["step"] < before["step"]:
                raise ValueError(f"row {number}: step {after['step']} after step {before['step']}")
    except (OSError, ValueError, csv.Error) as error:
        do = f"move {path.name} away: the training goes on, and its curves begin where it does"
        why = str(error).removeprefix(f"{path}: ")
        raise PolicyError(ErrorCode.TRAINING_FAILED, f"{path}: {why}", do=do) from error
    return rows


def _numbers(head: Sequence[str], line: Sequence[str], number: int) -> dict[str, float]:
    try:
        row: dict[str, float] = dict(zip(head, map(float, line), strict=True))
        row["step"] = int(line[head.index("step")])  # not 1e3, nor 0.5
    except ValueError as error:
        raise ValueError(
            f"row {number}: got {line!r:.200}, expected a number for each of {', '.join(head)}"
        ) from error
    if not 0 <= row["step"] <= _MOST_STEPS:
        raise ValueError(f"row {number}: step {row['step']}, allowed: 0 to {_MOST_STEPS}")
    return row
