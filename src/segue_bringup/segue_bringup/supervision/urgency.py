"""Real-time priority for the processes that may not be late: real clocks wait for nobody.

With it a control loop comes first whatever else the machine does. The system must allow it: root, or `rtprio` in
/etc/security/limits.conf (docs/hardware.md).
"""

import contextlib
import os
import resource
import shutil
from functools import cache
from typing import Final

PRIORITY: Final = 10  # above everything of ordinary programs, below the kernel's own threads
LONGEST_S: Final = 10
"""Processor time that an urgent process may take without once waiting for anything; a loop waits every few ms."""


def make_urgent() -> None:
    """Give the calling thread, and what it starts, real-time priority; nothing happens where that is not allowed.

    A process that then runs away is ended by the system (SIGXCPU) before it can keep the machine from everybody else.
    """
    with contextlib.suppress(OSError, ValueError):  # ValueError: a lower limit is set already
        resource.setrlimit(resource.RLIMIT_RTTIME, (LONGEST_S * 10**6, (LONGEST_S + 1) * 10**6))
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))


@cache
def allowed() -> bool:
    """Whether this process may give real-time priority to others: tried out for a moment."""
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    os.sched_setscheduler(0, before, parameters)
    return True


def why_not() -> str:
    """What to do where it is not allowed; empty where it is."""
    if allowed():
        return ""
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    return (
        f"no real-time priority for controller and scheduler (rtprio is {limit}, {PRIORITY} is enough): they are late "
        "on a busy machine; allow it in /etc/security/limits.conf, see docs/hardware.md"
    )


def launch_prefix() -> str:
    """The words before a command that `ros2 launch` starts; empty where it is not allowed, or there is no `chrt`."""
    return f"chrt --fifo {PRIORITY}" if allowed() and shutil.which("chrt") else ""
