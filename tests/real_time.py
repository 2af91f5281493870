"""A pytest plugin: what is marked `real_time` and fails while this machine was away is run once more.

Such a test has a robot, or a clock, that waits for nobody; where the processors were given to others in the middle of
it, it says nothing about Segue. One that fails on a machine that was there has failed.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

AWAY_S = 0.05  # a quarter of the shortest time-out in such a test
_TURNS = 2
_PULSE = """
import select, sys, time
late_s = 0.0
while True:
    began_s = time.monotonic()
    if select.select([sys.stdin], [], [], 0.005)[0]:
        if not sys.stdin.readline():
            break
        print(late_s, flush=True)
        late_s = 0.0
    else:
        late_s = max(late_s, time.monotonic() - began_s - 0.005)
"""


class Pulse:
    """A process that sleeps for 5 ms again and again, and knows how late it woke."""

    def __init__(self) -> None:
        command = [sys.executable, "-S", "-c", _PULSE]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def late_s(self) -> float:
        """How late it woke at most since it was asked last [s]."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextmanager
def _pulse() -> Iterator[Pulse]:
    pulse = Pulse()
    try:
        yield pulse
    finally:
        pulse.process.kill()
        pulse.process.communicate()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test that is marked, and once more if it failed while the machine was away."""
    if not item.get_closest_marker("real_time"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with _pulse() as pulse:
        for turn in range(1, _TURNS + 1):
            pulse.late_s()
            reports = item.config.pluginmanager.get_plugin("runner").runtestprotocol(
                item, log=False, nextitem=nextitem
            )
            away_s = pulse.late_s()
            if not any(report.failed for report in reports) or away_s < AWAY_S or turn == _TURNS:
                break
            said = f"\n{item.nodeid} failed while the machine was away for {1e3 * away_s:.0f} ms: once more\n"
            item.config.get_terminal_writer().write(said)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
