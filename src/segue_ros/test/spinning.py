"""Waiting for what must come true between real nodes: one verdict on every machine, however slow."""

import time
from collections.abc import Callable

import pytest
from rclpy.executors import Executor

PATIENCE_S = 60.0


def spin_until(executor: Executor, done: Callable[[], bool], what: str = "it did not happen") -> None:
    """Spin until `done`; fail with `what` after a minute, however many messages came by in it."""
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            pytest.fail(what)
        executor.spin_once(timeout_sec=0.01)
