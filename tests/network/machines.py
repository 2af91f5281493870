"""Two machines on one: network namespaces with shared memory and temporary files of their own, and a cable between."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType

from segue_bringup.environment.variables import profile_name

from .link import ADDRESSES

ROBOT, POLICY = 0, 1
_PROFILES = Path(__file__).parents[2] / "config" / "dds"
_NUMBERS = count()
_LINK = Path(__file__).with_name("link.py")


def why_not() -> str:
    """Why namespaces cannot be used here; empty when they can."""
    if os.geteuid():
        return "network namespaces need root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    try:
        name = f"segue-try-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, text=True)
        subprocess.run(["ip", "netns", "delete", name], check=True, capture_output=True)
    except FileNotFoundError:
        return "the command `ip` (iproute2) is missing"
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not permitted: {error.stderr}".strip()
    return ""


class TwoMachines:
    """A context: `start` runs a command on one of the machines, `link` changes the cable."""

    def __init__(self) -> None:
        number = next(_NUMBERS)
        self._names = tuple(f"segue-{os.getpid()}-{number}-{side}" for side in ("robot", "policy"))
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "TwoMachines":
        for name in self._names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self._cable = subprocess.Popen(
            [sys.executable, "-S", str(_LINK), *self._names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._cable.stdout is None or self._cable.stdout.readline().strip() != "ready":
            raise RuntimeError("the cable between the namespaces did not come up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        self._cable.communicate()
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], check=False)

    def link(self, **settings: float) -> None:
        """Set `delay_ms`, `jitter_ms` and `loss` of the cable; what is left out is 0. They hold from now on."""
        if self._cable.stdin is None or self._cable.stdout is None:
            raise RuntimeError("the cable is gone")
        self._cable.stdin.write(json.dumps(settings) + "\n")
        self._cable.stdin.flush()
        if self._cable.stdout.readline().strip() != "set":
            raise RuntimeError("the cable is gone")

    def start(
        self,
        side: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        told: int = subprocess.DEVNULL,
        tells: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run a command on a machine; discovery knows the other machine by its address and nobody else.

        Args:
            told, tells: standard input, and output where that is not the log's, as subprocess takes them.
        """
        mounts = "mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run/lock && export TMPDIR=/run/lock"
        inside = ["sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
        variables = {**os.environ, "ROS_STATIC_PEERS": ADDRESSES[1 - side], **environment}
        profile = {"FASTDDS_DEFAULT_PROFILES_FILE": str(_PROFILES / profile_name(variables))}
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._names[side], *inside],
                env={**variables, **profile, **environment},
                stdin=told,
                stdout=output if tells is None else tells,
                stderr=output,
            )
        self._started.append(process)
        return process
