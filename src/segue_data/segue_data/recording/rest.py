"""Whether a robot rests: a recording is closed when the measured joints stand still, not when the commands end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue_data.bags.definitions import typestore
from segue_data.bags.reader import NANOSECONDS, stamp_ns

AT_REST_RAD_S = 0.01
_STILL_S = 0.1  # so long, of the joint states' own time: at a turning point a joint stands for a moment


class RestWatch:
    """Fed with joint states, of one publisher or of several with some of the joints each. Pure but for decoding.

    Args:
        joints: names of the joints that must rest.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        self._speeds = dict.fromkeys(joints, float("inf"))  # [rad/s]
        self._places: dict[str, tuple[int, float]] = {}  # stamp [ns] and position [rad]
        self._moved_ns: int | None = None  # stamp of the last message that was not at rest
        self._first_ns: int | None = None
        self.watched_s = 0.0  # of the joint states' own time
        self.still = False
        self.heard = 0

    @property
    def speed_rad_s(self) -> float:
        """Of the fastest joint; infinite until every joint was heard of."""
        return max(self._speeds.values(), default=0.0)

    def note(self, data: bytes) -> None:
        """Take one serialised sensor_msgs/JointState; one that cannot be read says nothing."""
        try:
            message: Any = typestore().deserialize_cdr(data, "sensor_msgs/msg/JointState")
        except (
            Exception
        ):  # damaged bytes lead the decoder to any exception; the check of the episode names them
            return
        self.heard += 1
        now = stamp_ns(message.header)
        self._first_ns = now if self._first_ns is None else min(now, self._first_ns)
        self.watched_s = (now - self._first_ns) / NANOSECONDS
        self._measure(message, now)
        if self.speed_rad_s >= AT_REST_RAD_S or self._moved_ns is None or now < self._moved_ns:
            self._moved_ns, self.still = now, False
        self.still = now - self._moved_ns >= _STILL_S * NANOSECONDS

    def _measure(self, message: Any, now: int) -> None:
        """Speeds as measured; of a robot that measures none, by two positions."""
        measured = len(message.velocity) == len(message.name)
        for index, name in enumerate(message.name[: len(message.position)]):
            if name not in self._speeds:
                continue
            before, position = self._places.get(name), float(message.position[index])
            if measured:
                self._speeds[name] = abs(float(message.velocity[index]))
            elif before and now > before[0]:
                self._speeds[name] = abs(position - before[1]) / (now - before[0]) * NANOSECONDS
            self._places[name] = (now, position)
