"""What each round of an online finetuning gave: a table, and a picture with a panel per score."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from segue_data.storage.atomic import whole_file, write_text

_BEFORE, _COLUMNS = "_before", 4


def write_curves(folder: Path, rounds: Sequence[Mapping[str, float]]) -> None:
    """Write `scores.csv` and `curves.png`; of scores that have one, the value before the round is drawn beside it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["round", *rounds[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"round": number, **scores} for number, scores in enumerate(rounds, start=1))
    write_text(folder / "scores.csv", text.getvalue())
    _draw(folder / "curves.png", rounds)


def _draw(file: Path, rounds: Sequence[Mapping[str, float]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rounds[0] if not name.endswith(_BEFORE)]
    rows = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(3.2 * _COLUMNS, 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    numbers = range(1, len(rounds) + 1)
    for index, name in enumerate(names, start=1):
        axes = figure.add_subplot(rows, _COLUMNS, index)
        axes.plot(numbers, [scores[name] for scores in rounds], "o-", label="after")
        if name + _BEFORE in rounds[0]:
            axes.plot(numbers, [scores[name + _BEFORE] for scores in rounds], "o:", label="before")
            axes.legend(fontsize="small")
        axes.set(title=name.replace("_", " "), xlabel="round", xticks=list(numbers))
    with whole_file(file) as part:
        figure.savefig(part, format="png", dpi=90)
