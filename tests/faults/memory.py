"""A memory limit that the kernel enforces on one process: who goes over it is killed, as a full machine does it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def _own_group() -> tuple[Path, str]:
    """The cgroup of this process that limits memory, and the file of its limit."""
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return _V1 / path.lstrip("/"), "memory.limit_in_bytes"
        if not controllers and (_V2 / path.lstrip("/") / "memory.max").exists():
            return _V2 / path.lstrip("/"), "memory.max"
    raise FileNotFoundError("no cgroup of this process limits memory")


def why_not() -> str:
    """Why no such limit can be set here; empty when it can."""
    try:
        group = _own_group()[0] / f"segue-try-{os.getpid()}"
        group.mkdir()
        group.rmdir()
    except OSError as error:
        return f"memory cgroups are not permitted: {error}"
    return ""


@contextlib.contextmanager
def limited(pid: int, size: int) -> Iterator[None]:
    """From here on process `pid` may take `size` bytes more; without swap, where the kernel tells it apart."""
    parent, limit = _own_group()
    group = parent / f"segue-{pid}"
    group.mkdir()
    try:
        (group / limit).write_text(str(size), encoding="ascii")
        for swap, most in (("memory.memsw.limit_in_bytes", str(size)), ("memory.swap.max", "0")):
            with contextlib.suppress(OSError):  # a kernel that does not count swap
                if (group / swap).exists():
                    (group / swap).write_text(most, encoding="ascii")
        (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
        yield
    finally:
        with contextlib.suppress(OSError):
            for line in (group / "cgroup.procs").read_text(encoding="ascii").split():
                (parent / "cgroup.procs").write_text(line, encoding="ascii")
        group.rmdir()
