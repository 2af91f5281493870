"""A cable between two network namespaces that delays, jitters and loses packets: a TUN device at each end.

Kernels without `netem` (and containers without its module) can run this; it needs root and /dev/net/tun. As with netem,
jitter may reorder packets and the loss is independent per packet.

    echo '{"delay_ms": 20, "jitter_ms": 5, "loss": 0.01}' | python link.py NAMESPACE_A NAMESPACE_B

Each line on standard input replaces the settings, per direction, and is answered by "set"; the end of the input ends
the cable. `loss` 1 is a partition.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ADDRESSES = ("10.87.0.1", "10.87.0.2")
DEVICE = "segue0"

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_LARGEST_PACKET = 2048
_QUEUE = 20000  # packets on their way; more are lost, as in any full queue


@dataclass
class Settings:
    """What happens to a packet in either direction."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0


def _enter(namespace: str) -> None:
    with Path("/run/netns", namespace).open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter network namespace {namespace}")


def _device(namespace: str, address: str, other: str) -> int:
    """A TUN device inside a namespace; the file descriptor works from everywhere."""
    _enter(namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    for command in (
        f"addr add {address} peer {other} dev {DEVICE}",
        f"link set {DEVICE} up txqueuelen 5000",
        "link set lo up",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    return device


class Cable:
    """Moves packets between two devices. `counts` are (carried, lost)."""

    def __init__(self, devices: tuple[int, int], seed: int = 1) -> None:
        self._other = {devices[0]: devices[1], devices[1]: devices[0]}
        self._random = random.Random(seed)
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self.settings = Settings()
        self.carried = self.lost = 0

    def receive(self, device: int, now_s: float) -> None:
        """Take all packets that wait at a device."""
        while True:
            try:
                packet = os.read(device, _LARGEST_PACKET)
            except BlockingIOError:
                return
            if self._random.random() < self.settings.loss or len(self._waiting) > _QUEUE:
                self.lost += 1
                continue
            jitter_ms = self._random.uniform(-1.0, 1.0) * self.settings.jitter_ms
            due_s = now_s + 1e-3 * max(0.0, self.settings.delay_ms + jitter_ms)
            self._number += 1
            heapq.heappush(self._waiting, (due_s, self._number, self._other[device], packet))

    def deliver(self, now_s: float) -> float:
        """Hand over what is due; seconds until the next packet is, at most 0.1."""
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, device, packet = heapq.heappop(self._waiting)
            try:
                os.write(device, packet)
                self.carried += 1
            except OSError:  # the receiver's queue is full, or its device is going down
                self.lost += 1
        return min(0.1, self._waiting[0][0] - now_s) if self._waiting else 0.1


def main() -> None:
    """Run the cable until standard input ends; print the counts then."""
    first, second = sys.argv[1:3]
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    devices = _device(first, *ADDRESSES), _device(second, *reversed(ADDRESSES))
    ctypes.CDLL(None).setns(home, _CLONE_NEWNET)
    cable = Cable(devices)
    poll = select.epoll()
    for device in (*devices, sys.stdin.fileno()):
        poll.register(device, select.EPOLLIN)
    print("ready", flush=True)
    wait_s = 0.1
    while True:
        for source, _ in poll.poll(max(0.0, wait_s)):
            if source == sys.stdin.fileno():
                line = sys.stdin.readline()
                if not line:
                    print(json.dumps({"carried": cable.carried, "lost": cable.lost}), flush=True)
                    return
                cable.settings = Settings(**json.loads(line))
                print("set", flush=True)
            else:
                cable.receive(source, time.monotonic())
        wait_s = cable.deliver(time.monotonic())


if __name__ == "__main__":
    main()
