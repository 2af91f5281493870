"""Camera frames of a bag on a regular grid, so that dropped or late frames do not change the video's speed.

grid       |----|----|----|----|----|       1 / rate seconds each
head       x     x         x    x           the latest frame up to a grid point is shown at it
imagined             x y   z                by the stamps, too, though what is decoded late is recorded late
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from segue_core.arrays import Rgb
from segue_core.errors import PerceptionError
from segue_data.bags.encoding import decode
from segue_data.bags.reader import NANOSECONDS, extent_of, read, stamp_ns
from segue_data.bags.topics import IMAGINED, image_topics
from segue_perception import colours

_CAMERA = re.compile(r"/(\w+)_camera/image_raw(?:/compressed)?")
_OUT_OF_ORDER = (
    128  # imagined pictures that are looked through for an earlier one: more than some answers have
)


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

    Begins at the first grid point by which every camera in the bag has been seen. What a policy imagines comes when the
    first of it does, each picture when it was imagined for.
    Raises DataError or PerceptionError for a corrupt bag or frame.
    """
    topics = camera_topics(bag)
    owner = {topic: camera for camera, topic in topics.items()}
    latest: dict[str, Any] = {}
    step = NANOSECONDS / rate_hz
    index = 0
    for stamp, topic, message in _by_stamp(bag, topics):
        while start_ns + index * step < min(stamp, end_ns):
            if latest.keys() >= topics.keys() - {IMAGINED}:
                shown = {name: latest[name] for name in topics if name in latest}
                yield index / rate_hz, {name: to_rgb(message, name) for name, message in shown.items()}
            index += 1
        if stamp >= end_ns:
            return
        latest[owner[topic]] = message


def _by_stamp(bag: Path, topics: Mapping[str, str]) -> Iterator[tuple[int, str, Any]]:
    """Stamp, topic and message of cameras as they were recorded, with what was imagined where its stamp is."""
    seen = frozenset(topic for camera, topic in topics.items() if camera != IMAGINED)
    imagined = frozenset(topics.values()) - seen
    streams = [_stamped(bag, seen), _in_order(_stamped(bag, imagined))] if imagined else [_stamped(bag, seen)]
    return heapq.merge(*streams, key=itemgetter(0))


def _stamped(bag: Path, topics: frozenset[str]) -> Iterator[tuple[int, str, Any]]:
    for record in read(bag, topics):
        message = record.message()
        yield stamp_ns(message.header), record.topic, message


def _in_order(pictures: Iterator[tuple[int, str, Any]]) -> Iterator[tuple[int, str, Any]]:
    """By stamp, where none is more than so many places away from its own."""
    near: list[tuple[int, int, str, Any]] = []
    for number, (stamp, topic, message) in enumerate(pictures):
        heapq.heappush(near, (stamp, number, topic, message))
        if len(near) > _OUT_OF_ORDER:
            yield _without_number(heapq.heappop(near))
    while near:
        yield _without_number(heapq.heappop(near))


def _without_number(entry: tuple[int, int, str, Any]) -> tuple[int, str, Any]:
    stamp, _, topic, message = entry
    return stamp, topic, message
