"""A pipe that nobody writes to: its end tells processes that nobody is left who would end them.

    supervisor  --+
    guardian    --+-- writers --> pipe --> nodes: SIGTERM, from the kernel, when the last writer is gone
    fork server --+

Unlike PR_SET_PDEATHSIG it spares nodes whose parent dies while their supervisor lives, and it asks for no thread.
"""

import fcntl
import os
import select
import signal
from functools import cache


@cache
def lifeline() -> tuple[int, int]:
    """The ends of this process's own: one that nodes listen to, one that whoever would end them keeps open."""
    return os.pipe()


def hold_on(listening: int) -> None:
    """In a child that has inherited the listening end, and not the other: SIGTERM when no writer is left."""
    # What is opened anew belongs to this process alone; what is inherited has one owner for all that inherit it.
    own = os.open(f"/proc/self/fd/{listening}", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(own, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    late = _ended(listening)
    os.dup2(own, listening)  # it stays open in the program that takes over this process
    os.close(own)
    if late:
        os.kill(os.getpid(), signal.SIGTERM)


def _ended(listening: int) -> bool:
    poll = select.poll()
    poll.register(listening, 0)
    return bool(poll.poll(0))
