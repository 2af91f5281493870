"""Inference on a thread of its own, so that the executor goes on receiving observations meanwhile."""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.task import Future

Job = Callable[[], Any]


class Worker:
    """Runs jobs in the order in which they are given; their futures are completed on the executor's thread.

    What a job tells meanwhile is heard in order, and before its end.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._guard = node.create_guard_condition(self._deliver)
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> "Future[Any]":
        """Run `job`; the future gets its result or its exception."""
        future: Future[Any] = Future()
        self._jobs.put((job, future))
        return future

    def tell(self, heard: Callable[[], None]) -> None:
        """From a job: `heard` is called on the executor's thread."""
        self._told.put(heard)
        self._guard.trigger()

    def close(self) -> None:
        """End the thread after the job that runs now; waits at most two seconds for it."""
        self._jobs.put(None)
        self._thread.join(timeout=2.0)
        self._node.destroy_guard_condition(self._guard)

    def _work(self) -> None:
        for job, future in iter(self._jobs.get, None):
            try:
                self.tell(partial(future.set_result, job()))
            except BaseException as error:
                self.tell(partial(future.set_exception, error))  # type: ignore[arg-type]

    def _deliver(self) -> None:
        while not self._told.empty():
            self._told.get()()
