"""How much of the time a process had work: a start that is slow on a busy machine is told from one that hangs."""

import os


def _worked_s(pid: int) -> dict[str, float]:
    """Seconds in which each thread ran, or waited for a processor; empty where the process is gone or Linux is not."""
    found: dict[str, float] = {}
    try:
        # A hundred small files at each look: read without anything around them.
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            descriptor = os.open(f"/proc/{pid}/task/{thread}/schedstat", os.O_RDONLY)
            try:
                ran, waited, _ = os.read(descriptor, 100).split()
            finally:
                os.close(descriptor)
            found[thread] = 1e-9 * (int(ran) + int(waited))
    except (OSError, ValueError):  # it ends while it is looked at, or the kernel does not count
        pass
    return found


class Work:
    """Work of one process, from one look to the next."""

    def __init__(self, pid: int) -> None:
        self._pid, self._before = pid, _worked_s(pid)

    def since_last_s(self) -> float:
        """Seconds since the last look in which the thread with the most work ran, or waited for a processor."""
        before, self._before = self._before, _worked_s(self._pid)
        return max((now - before.get(thread, 0.0) for thread, now in self._before.items()), default=0.0)
