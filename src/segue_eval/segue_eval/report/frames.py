"""Camera frames of a bag on a regular grid, so that dropped or late frames do not change the video's speed.

grid     |----|----|----|----|----|       1 / rate seconds each
head     x     x         x    x           the latest frame up to a grid point is shown at it
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segue_core.arrays import Rgb
from segue_core.errors import PerceptionError
from segue_data.bags.encoding import decode
from segue_data.bags.reader import NANOSECONDS, extent_of, read, stamp_ns
from segue_data.bags.topics import IMAGINED, image_topics
from segue_perception import colours

_CAMERA = re.compile(r"/(\w+)_camera/image_raw(?:/compressed)?")


def to_rgb(message: Any, place: str) -> Rgb:
    """RGB image of a sensor_msgs Rgb or CompressedImage; SegueError for an encoding without one."""
    if hasattr(message, "format"):
        return decode(message.data, place, "image")
    try:
        return colours.to_rgb(message)
    except PerceptionError as error:
        raise PerceptionError(error.code, f"{place}: {error.text}") from error


def camera_topics(bag: Path) -> dict[str, str]:
    """One image topic per camera that the bag has frames of, camera name to topic: the head first, imagined last."""
    topics = +extent_of(bag)[0]
    names = {match[1] for topic in topics if (match := _CAMERA.fullmatch(topic))}
    ordered = sorted(names, key=lambda name: (name == IMAGINED, name != "head", name))
    return {name: next(topic for topic in image_topics(name) if topic in topics) for name in ordered}


def camera_frames(
    bag: Path, start_ns: int, end_ns: int, rate_hz: float
) -> Iterator[tuple[float, Mapping[str, Rgb]]]:
    """(seconds since `start_ns`, image per camera) at every grid point of [start_ns, end_ns).

    Begins at the first grid point by which every camera in the bag has been seen. What a policy imagines comes when it
    does.
    Raises DataError or PerceptionError for a corrupt bag or frame.
    """
    topics = camera_topics(bag)
    owner = {topic: camera for camera, topic in topics.items()}
    latest: dict[str, Any] = {}
    step = NANOSECONDS / rate_hz
    index = 0
    for record in read(bag, frozenset(owner)):
        message = record.message()
        stamp = stamp_ns(message.header)
        while start_ns + index * step < min(stamp, end_ns):
            if latest.keys() >= topics.keys() - {IMAGINED}:
                shown = {name: latest[name] for name in topics if name in latest}
                yield index / rate_hz, {name: to_rgb(message, name) for name, message in shown.items()}
            index += 1
        if stamp >= end_ns:
            return
        latest[owner[record.topic]] = message
