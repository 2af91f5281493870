"""Training log as CSV, and its picture."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

LOSS, SCORES, PICTURE = "loss.csv", "scores.csv", "curves.png"


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
            rows = [row for row in self._rows(name) if int(row["step"]) <= step and step > 0]
            (self._folder / name).unlink(missing_ok=True)
            for row in rows:
                self._append(name, row)

    def draw(self) -> None:
        """Write `curves.png`: loss, and one panel per score."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        loss, scores = self._rows(LOSS), self._rows(SCORES)
        names = [name for name in (scores[0] if scores else {}) if name != "step"]
        figure = Figure(figsize=(3.6 * (1 + len(names)), 3.0), layout="constrained")
        FigureCanvasAgg(figure)
        panels = [("training loss", loss, "loss"), *((name, scores, name) for name in names)]
        for index, (title, rows, key) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), index + 1)
            axes.plot([int(row["step"]) for row in rows], [float(row[key]) for row in rows])
            axes.set(title=title, xlabel="step", yscale="log" if "loss" in key else "linear")
        figure.savefig(self._folder / PICTURE, dpi=90)

    def _append(self, name: str, row: Mapping[str, object]) -> None:
        path = self._folder / name
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def _rows(self, name: str) -> list[dict[str, str]]:
        path = self._folder / name
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
