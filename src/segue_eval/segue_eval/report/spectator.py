"""The run as somebody beside the robot would have seen it, drawn afterwards from what was recorded.

bag     s--s--s--s--s--s--s      states of the world, or joint states of a real robot
picture p-----p-----p-----p      every so many frames of the video: as often as the time for it allows
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.arrays import Rgb
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import SegueError
from segue_data.bags.reader import NANOSECONDS, read, stamp_ns, topics_of
from segue_data.bags.topics import JOINT_STATES, SIM_STATE
from segue_data.contracts import load_robot, load_task
from segue_sim.spectator import Spectator

BUDGET_S = 40.0  # for all pictures of a video
_FASTEST_HZ, _SLOWEST_HZ = 15.0, 3.0
_TRIAL = 3  # pictures whose time decides how many there will be

Feed = Callable[[Any], None]


class SpectatorView:
    """Pictures of one run, asked for in the order of time. Use as an iterator's helper and `close` it."""

    def __init__(self, spectator: Spectator, messages: Iterator[tuple[int, Any]], feed: Feed) -> None:
        self._spectator, self._messages, self._feed = spectator, messages, feed
        self._next: tuple[int, Any] | None = next(messages, None)
        self._newest: Any = None

    def at(self, time_ns: int) -> Rgb:
        """The world as it was last told by then; before the first message, as that says."""
        while self._next is not None and (self._newest is None or self._next[0] <= time_ns):
            self._newest, self._next = self._next[1], next(self._messages, None)
        if self._newest is not None:
            self._feed(self._newest)
        return self._spectator.picture()

    def close(self) -> None:
        """Free the renderer."""
        self._spectator.close()


def _stamped(bag: Path, topic: str) -> Iterator[tuple[int, Any]]:
    for record in read(bag, frozenset({topic})):
        message = record.message()
        yield stamp_ns(message.header), message


def _of_world(bag: Path, robot: RobotConfig) -> SpectatorView:
    messages = _stamped(bag, SIM_STATE)
    first = next(messages, None)
    if first is None:
        return _of_robot(bag, robot)  # the topic was there, and nobody published it
    spectator = Spectator.of_world(robot, load_task(first[1].task), int(first[1].seed))
    if len(first[1].values) != spectator.state_size:
        spectator.close()
        raise _Undrawable(
            f"its states have {len(first[1].values)} numbers, this world's {spectator.state_size}"
        )

    def again() -> Iterator[tuple[int, Any]]:
        yield first
        yield from messages

    return SpectatorView(spectator, again(), lambda message: spectator.show_state(message.values))


def _of_robot(bag: Path, robot: RobotConfig) -> SpectatorView:
    spectator = Spectator.of_robot(robot)

    def feed(message: Any) -> None:
        spectator.show_joints(message.name, np.asarray(message.position, dtype=np.float64))

    return SpectatorView(spectator, _stamped(bag, JOINT_STATES), feed)


class _Undrawable(Exception):
    """A recording that cannot be drawn; says why."""


def open_view(bag: Path, robot_name: str) -> SpectatorView | None:
    """The view of a bag, of the whole world where its states are recorded, else of the robot's joints.

    None, with the reason on standard error, when it cannot be drawn: the report goes on without.
    """
    topics = topics_of(bag)
    if not robot_name or not {SIM_STATE, JOINT_STATES} & set(topics):
        return None
    try:
        robot = load_robot(robot_name)
        return _of_world(bag, robot) if SIM_STATE in topics else _of_robot(bag, robot)
    except (SegueError, _Undrawable, RuntimeError) as error:  # RuntimeError: no OpenGL here
        print(f"note: the robot is not drawn: {error}", file=sys.stderr)
        return None


class Pace:
    """Every how many frames of a video a picture is drawn, so that all of them take no longer than `budget_s`."""

    def __init__(self, frames: int, rate_hz: float, budget_s: float = BUDGET_S) -> None:
        self._frames, self._rate_hz, self._budget_s = frames, rate_hz, budget_s
        self._spent_s, self._drawn = 0.0, 0
        self.every = max(1, round(rate_hz / _FASTEST_HZ))

    def due(self, frame: int) -> bool:
        """Whether frame number `frame` gets a picture of its own."""
        return frame % self.every == 0

    def took(self, seconds: float) -> None:
        """One picture took so long."""
        self._spent_s, self._drawn = self._spent_s + seconds, self._drawn + 1
        if self._drawn == _TRIAL:
            each = self._spent_s / self._drawn
            wanted = int(np.ceil(self._frames * each / self._budget_s))
            slowest = max(1, round(self._rate_hz / _SLOWEST_HZ))
            self.every = int(np.clip(wanted, self.every, max(slowest, self.every)))


class PacedView:
    """A view that is drawn at its pace; between two pictures the last one stands."""

    def __init__(self, view: SpectatorView, epoch_ns: int, pace: Pace) -> None:
        self._view, self._epoch_ns, self._pace = view, epoch_ns, pace
        self._frame, self._picture = 0, np.zeros((0, 0, 3), dtype=np.uint8)

    def at(self, seconds: float) -> Rgb:
        """The picture of an instant of the run."""
        if self._pace.due(self._frame) or self._picture.size == 0:
            began = time.perf_counter()
            self._picture = self._view.at(self._epoch_ns + round(seconds * NANOSECONDS))
            self._pace.took(time.perf_counter() - began)
        self._frame += 1
        return self._picture

    def close(self) -> None:
        """Free the renderer."""
        self._view.close()
