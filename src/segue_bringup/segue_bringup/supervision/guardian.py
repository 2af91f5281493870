"""Ends the process groups that a dead supervisor left behind.

A process of its own: it reads `+<group>` and `-<group>` lines from standard input. When the input ends, because its
supervisor closed it or was killed, it asks every group that is left to stop, then ends what does not.
Standard library only and run by its path, so that it starts in milliseconds.
"""

import contextlib
import os
import signal
import sys
import time

_ESCALATION = ((signal.SIGINT, 3.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 1.0))
_POLL_S = 0.02


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end(groups: set[int]) -> None:
    for number, patience in _ESCALATION:
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        deadline = time.monotonic() + patience
        while groups and time.monotonic() < deadline:
            groups = {group for group in groups if _alive(group)}
            time.sleep(_POLL_S)


def main() -> None:
    """Follow standard input to its end, then leave no group behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, group = line[:1], int(line[1:])
        groups.add(group) if sign == "+" else groups.discard(group)
    _end(groups)


if __name__ == "__main__":
    main()
