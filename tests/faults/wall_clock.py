"""A wall clock that a test moves, for the processes that it starts: a library between them and the system's clock."""

import mmap
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment.host import compiler

_SOURCE = Path(__file__).with_suffix(".cpp")
_OFFSET = struct.Struct("=q")


class WallClock:
    """Processes with `environment` read it; their steady clocks are the system's.

    Args:
        folder: an empty one, for the library and the clock.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        library, shared = folder / "wall_clock.so", folder / "offset"
        command = [compiler() or "c++", "-std=c++17", "-O2", "-shared", "-fPIC", "-o", library, _SOURCE]
        subprocess.run(command, check=True)
        shared.write_bytes(bytes(_OFFSET.size))
        with shared.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _OFFSET.size)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library), "SEGUE_TESTED_WALL_CLOCK": str(shared),
        }  # fmt: skip

    @property
    def off_s(self) -> float:
        """How far it is from the system's."""
        return float(_OFFSET.unpack(self._shared[:])[0] * 1e-9)

    def jump(self, seconds: float) -> None:
        """Set it forward, or back."""
        self._shared[:] = _OFFSET.pack(round((self.off_s + seconds) * 1e9))
