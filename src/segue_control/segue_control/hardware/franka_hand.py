"""The Franka Hand, and the threads that wait for a Franka's answers."""

import threading
from collections.abc import Callable
from typing import Any

from segue_control.hardware.franka import FrankaOptions

_HAND_HZ = 20.0
_HAND_CHANGE = 0.02  # smaller changes of the opening are not worth a command
_HAND_PATIENCE = 5
_HAND_LONGEST_S = 30.0
_ANY_WIDTH_M = 1.0  # a grasp is a grasp whatever the object's width


class Loop:
    """Calls `work` at a rate in a thread of its own until it ends or fails; what it raised is in `error`."""

    def __init__(self, name: str, rate_hz: float, work: Callable[[], None]) -> None:
        self._period_s, self._work = 1.0 / rate_hz, work
        self._ended = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._ended.wait(self._period_s):
            try:
                self._work()
            except Exception as error:  # whatever the library raises belongs to the thread that asks for it
                self.error = error
                return


class Hand:
    """A Franka Hand: slow commands and slow answers, so in a thread of its own.

    One command at a time, to its end: the hand cannot be given a new goal on its way. It gets the newest opening once
    that stands still, or has not for `_HAND_PATIENCE` cycles.
    """

    def __init__(
        self, library: Any, address: str, options: FrankaOptions, now_s: Callable[[], float]
    ) -> None:
        self._gripper, self._now_s, self._sent_s = library.Gripper(address), now_s, 0.0
        self._options = options
        self._max_m = float(self._gripper.max_width)
        self._pending: Any = None  # never dropped before it is done: its destructor waits for the hand
        self._restless = 0
        self._sent = self._seen = self.wanted = self.opening = self._measure()
        self.loop = Loop(f"hand {address}", _HAND_HZ, self._work)

    def _measure(self) -> float:
        return min(1.0, float(self._gripper.width) / self._max_m)

    def _work(self) -> None:
        self.opening = self._measure()
        wanted = self.wanted
        self._restless = 0 if abs(wanted - self._seen) < _HAND_CHANGE else self._restless + 1
        self._seen = wanted
        if abs(wanted - self._sent) < _HAND_CHANGE or 0 < self._restless < _HAND_PATIENCE:
            return
        if self._pending is not None and not self._pending.wait(0.0):
            if self._now_s() - self._sent_s > _HAND_LONGEST_S:
                raise RuntimeError(f"the hand did not finish its command in {_HAND_LONGEST_S:g} s")
            return
        closing, self._sent, self._sent_s = wanted < self._sent, wanted, self._now_s()
        width, speed = wanted * self._max_m, self._options.hand_speed_m_s
        if closing:
            force = self._options.hand_force_n
            self._pending = self._gripper.grasp_async(width, speed, force, _ANY_WIDTH_M, _ANY_WIDTH_M)
        else:
            self._pending = self._gripper.move_async(width, speed)
