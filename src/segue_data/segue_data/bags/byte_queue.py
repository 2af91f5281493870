"""A first-in first-out queue bounded by bytes, between the threads that receive and the one that writes."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteQueue(Generic[T]):
    """Bounded queue of sized items; safe for several producers and one consumer.

    An item larger than the whole budget is accepted only into an empty queue, so nothing waits forever.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def _fits(self, size: int) -> bool:
        return not self._items or self._bytes + size <= self._budget

    def put(self, item: T, size: int, *, wait: bool) -> bool:
        """Append `item` of `size` bytes; False when it was refused (queue full and not `wait`, or closed)."""
        with self._changed:
            while wait and not self._closed and not self._fits(size):
                self._changed.wait()
            if self._closed or not self._fits(size):
                return False
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def get(self) -> T | None:
        """Take the oldest item, blocking while there is none; None once closed and empty."""
        with self._changed:
            while not self._items and not self._closed:
                self._changed.wait()
            if not self._items:
                return None
            item, size = self._items.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Refuse further items and wake everyone; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
