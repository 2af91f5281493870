"""The run as a video that every browser plays (H.264, yuv420p): what a spectator sees, cameras beside it, a caption.

+------------------------------------------+
|  12.3 s   tick 369   running   ...       |      CAPTION_HEIGHT pixels, above: players put their controls below
+---------------------------+--------------+
|                           |  head        |      the view at its own size; cameras in a column beside it, two
|        the view           +--------------+      columns for four and more, GAP pixels apart
|                           |  left_wrist  |
|                           +--------------+      without a view: cameras side by side, `panel_height` high
|                           |  right_wrist |
+---------------------------+--------------+
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from segue_core.arrays import Rgb
from segue_data.storage.atomic import whole_file

CAPTION_HEIGHT = 40
GAP = 4
_ONE_COLUMN = 3  # cameras at most beside a view
_BACKGROUND = (17, 19, 24)
_INK = (230, 232, 238)


@dataclass(frozen=True)
class VideoFrame:
    """One instant: an RGB image (h, w, 3) per camera, in display order, the line above, and the spectator's view."""

    images: Mapping[str, Rgb]
    caption: str
    view: Rgb | None = None


@lru_cache(maxsize=4)
def _plate(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), _BACKGROUND, dtype=np.uint8)


def _ground(height: int, width: int) -> Rgb:
    """A picture (height, width, 3) of the background; copied, for three values are repeated slowly."""
    return np.array(_plate(height, width))


def _put_text(picture: Rgb, text: str, x: int, y: int, scale: float) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def _panel(name: str, image: Rgb, height: int) -> Rgb:
    """The image scaled to `height` rows with its camera's name on a dark tag in the corner."""
    width = round(image.shape[1] * height / image.shape[0])
    enlarge = height > image.shape[0]
    how = cv2.INTER_LINEAR if enlarge else cv2.INTER_AREA
    panel = np.ascontiguousarray(cv2.resize(image, (width, height), interpolation=how), dtype=np.uint8)
    (text_width, _), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    cv2.rectangle(panel, (0, 0), (text_width + 16, 24), _BACKGROUND, -1)
    _put_text(panel, name, 8, 17, 0.45)
    return panel


def _side_by_side(panels: Sequence[Rgb], height: int) -> Rgb:
    """Panels in a row, GAP apart, on a ground of this height."""
    width = sum(panel.shape[1] for panel in panels) + GAP * (len(panels) - 1)
    ground = _ground(height, width)
    left = 0
    for panel in panels:
        ground[: panel.shape[0], left : left + panel.shape[1]] = panel
        left += panel.shape[1] + GAP
    return ground


def _column(panels: Sequence[Rgb], height: int) -> Rgb:
    """Panels one below the other, GAP apart."""
    ground = _ground(height, max(panel.shape[1] for panel in panels))
    top = 0
    for panel in panels:
        ground[top : top + panel.shape[0], : panel.shape[1]] = panel
        top += panel.shape[0] + GAP
    return ground


def _beside(view: Rgb, images: Mapping[str, Rgb]) -> Rgb:
    """The view, and the cameras in one or two columns beside it."""
    height, columns = view.shape[0], 1 if len(images) <= _ONE_COLUMN else 2
    rows = -(-len(images) // columns)
    each = (height - GAP * (rows - 1)) // max(rows, 1)
    panels = [_panel(name, image, each) for name, image in images.items()]
    parts = [panels[first : first + rows] for first in range(0, len(panels), max(rows, 1))]
    return _side_by_side([view, *(_column(part, height) for part in parts)], height)


def compose(frame: VideoFrame, panel_height: int) -> Rgb:
    """The picture of one instant, with even width and height as yuv420p needs."""
    if frame.view is None:
        panels = [_panel(name, image, panel_height) for name, image in frame.images.items()]
        body = _side_by_side(panels, panel_height)
    else:
        body = _beside(frame.view, frame.images)
    height, width = CAPTION_HEIGHT + body.shape[0], body.shape[1]
    picture = _ground(height + height % 2, width + width % 2)
    _put_text(picture, frame.caption, 12, 26, 0.55)
    picture[CAPTION_HEIGHT:height, :width] = body
    return picture


def write_video(frames: Iterable[VideoFrame], path: Path, fps: float, panel_height: int = 288) -> int:
    """Encode `frames` to `path` (.mp4, playable while it downloads) and return how many there were.

    No file is left when there are no frames, or when the disk fills. Memory is one frame's, however long the run.
    """
    pictures = (compose(frame, panel_height) for frame in frames)
    if (first := next(pictures, None)) is None:
        path.unlink(missing_ok=True)
        return 0
    with whole_file(path) as part:
        return _encode(first, pictures, part, fps)


def _encode(first: Rgb, others: Iterable[Rgb], path: Path, fps: float) -> int:
    count = 0
    options = {"movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23"}
        stream.height, stream.width = first.shape[:2]
        for picture in chain([first], others):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count
