"""Ends the process groups that a dead supervisor left behind.

A process of its own: it reads `+<group>`, `+<group> last` and `-<group>` lines from standard input. When the input
ends, because its supervisor closed it or was killed, it asks every group that is left to stop, then ends what does
not. The last, a robot's own side, end when nothing commands it any more and it had time to come to rest.
Standard library only and run by its path, so that it starts in milliseconds.
"""

import contextlib
import os
import signal
import sys
import time

_ESCALATION = ((signal.SIGINT, 3.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 1.0))
_POLL_S = 0.02
_REST_S = (
    3.0  # a simulated arm brakes for less than one second, and its time may pass at a third of the true one
)


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
    groups: dict[int, bool] = {}  # whether it ends last
    for line in sys.stdin:
        group, *last = line[1:].split()
        if line.startswith("+"):
            groups[int(group)] = bool(last)
        else:
            groups.pop(int(group), None)
    first, last = ({group for group in groups if groups[group] is late} for late in (False, True))
    _end(first)
    if first and last:
        time.sleep(_REST_S)
    _end(last)


if __name__ == "__main__":
    main()
