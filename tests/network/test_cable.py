"""Two network namespaces and the cable between them do to packets what they are told."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .link import ADDRESSES
from .machines import POLICY, ROBOT, TwoMachines, why_not

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "they are permitted"),
]

_ECHO = """
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("", 9000))
print("listening", flush=True)
while True:
    end.sendto(*end.recvfrom(2000))
"""
_ASK = """
import json, socket, sys, time
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.settimeout(float(sys.argv[3]))
sent, times = {}, []
for number in range(int(sys.argv[2])):
    sent[b"%d" % number] = time.monotonic()
    end.sendto(b"%d" % number, (sys.argv[1], 9000))
try:
    while len(times) < len(sent):
        began = sent[end.recv(2000)]
        times.append(time.monotonic() - began)
except TimeoutError:
    pass
print(json.dumps(times))
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoMachines]:
    with TwoMachines() as machines:
        log = tmp_path_factory.mktemp("echo") / "log"
        echo = machines.start(POLICY, [sys.executable, "-c", _ECHO], {}, log)
        while "listening" not in log.read_text():
            assert echo.poll() is None, log.read_text()
            time.sleep(0.05)
        yield machines


def _round_trips(machines: TwoMachines, folder: Path, count: int, patience_s: float) -> list[float]:
    """Times of the round trips that came back [s], until nothing has come for `patience_s`."""
    arguments: list[Any] = [ADDRESSES[POLICY], count, patience_s]
    command = [sys.executable, "-c", _ASK, *map(str, arguments)]
    log = folder / "asked.txt"
    assert machines.start(ROBOT, command, {}, log).wait(60) == 0, log.read_text()
    return [float(value) for value in json.loads(log.read_text())]


def test_every_packet_comes_late_by_the_delay_of_both_ways(machines: TwoMachines, tmp_path: Path) -> None:
    machines.link(delay_ms=30.0)
    times = _round_trips(machines, tmp_path, 10, 5.0)
    assert len(times) == 10
    assert min(times) >= 0.060


def test_packets_are_lost_as_often_as_they_should_be(machines: TwoMachines, tmp_path: Path) -> None:
    machines.link(loss=0.3)
    came = len(_round_trips(machines, tmp_path, 100, 3.0))
    assert 25 <= came <= 73, "0.49 of 100 within five standard deviations"


def test_nothing_crosses_a_partition_and_everything_crosses_after_it(
    machines: TwoMachines, tmp_path: Path
) -> None:
    machines.link(loss=1.0)
    assert _round_trips(machines, tmp_path, 5, 1.0) == []
    machines.link()
    assert len(_round_trips(machines, tmp_path, 5, 5.0)) == 5


def test_the_machines_share_no_memory_and_no_network(machines: TwoMachines, tmp_path: Path) -> None:
    log = tmp_path / "seen.txt"
    machines.start(ROBOT, ["sh", "-c", "touch /dev/shm/mine; ls /dev/shm; ip -brief link"], {}, log).wait(60)
    assert log.read_text().split("\n")[0] == "mine"
    assert "eth" not in log.read_text() and not Path("/dev/shm/mine").exists()
