"""Pictures of one episode and camera as an MP4 that LeRobot reads: H.264, every second frame a key frame.

Source: lerobot 0.4.4, `datasets/video_utils.py` (short groups of pictures, because training reads frames at random).
Frames are shown at their real times, so the `timestamp` of a row finds its frame.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ConfigError, ErrorCode
from segue_data.errors import write_failed

CODEC, PIXELS, CLOCK_HZ = "libx264", "yuv420p", 90_000
_OPTIONS = {"crf": "15", "g": "2", "bf": "0", "preset": "fast"}


def refuse_odd(size: tuple[int, int]) -> None:
    """Raise ConfigError when (width, height) cannot be a video of this format."""
    if size[0] % 2 or size[1] % 2:
        text = "videos need an even width and height"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=f"{size[0]}x{size[1]}")


def write_video(path: Path, frames: NDArray[np.uint8], times_s: NDArray[np.float64], rate_hz: float) -> None:
    """Write `frames` (n, height, width, 3) RGB shown at `times_s` (n,), rising from 0.

    Raises:
        DataError: the disk or the encoder refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(
                CODEC, rate=Fraction(rate_hz).limit_denominator(1000), options=_OPTIONS
            )
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = PIXELS
            stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
            for image, time_s in zip(frames, times_s, strict=True):
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                picture.pts, picture.time_base = round(time_s * CLOCK_HZ), Fraction(1, CLOCK_HZ)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise write_failed(path, f"{type(error).__name__}: {error}") from error
