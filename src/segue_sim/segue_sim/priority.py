"""Drawing takes whatever time is left, also in a process that has real-time priority."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def give_up_priority() -> None:
    """The calling thread, and what it starts, is an ordinary one from now on."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Threads that are started meanwhile are ordinary ones; the calling thread is again what it was."""
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    give_up_priority()
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, parameters)
