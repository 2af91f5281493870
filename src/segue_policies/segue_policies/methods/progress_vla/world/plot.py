"""What a world model imagines, to look at: the real picture whose maps are nearest to the imagined ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_data.storage.atomic import whole_file

_BLOCK = 256  # frames


@dataclass(frozen=True, eq=False)
class Imagined:
    """Pictures `(n, h, w, 3)` of one camera, by what they show."""

    now: NDArray[np.uint8]
    later: NDArray[np.uint8]
    nearest: NDArray[np.uint8]


def nearest_rows(imagined: Tensor, real: Tensor) -> Tensor:
    """Which of `real` tokens `(m, N, token)` is nearest to each of the `imagined` `(n, N, token)`, `(n,)`."""
    blocks = [torch.cdist(imagined.flatten(1), block.flatten(1)) for block in real.split(_BLOCK)]
    return torch.cat(blocks, dim=1).argmin(dim=1)


def draw_imagined(file: Path, shown: Imagined, seconds: float) -> None:
    """Write a PNG with a row for each transition."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(shown.now)
    figure = Figure(figsize=(7.5, 2.0 * count + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    titles = "now", f"{seconds:g} s later", "nearest to what is imagined"
    grid = figure.subplots(count, 3, squeeze=False)
    for row, pictures in zip(grid, zip(shown.now, shown.later, shown.nearest, strict=True), strict=True):
        for axes, picture in zip(row, pictures, strict=True):
            axes.imshow(picture)
            axes.set_axis_off()
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title)
    with whole_file(file) as part:
        figure.savefig(part, format="png", dpi=80)
