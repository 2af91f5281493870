"""A ROS domain for every test: what one leaves behind, such as a farewell that was lost, is not seen by the next.

Test sessions that run beside each other on one machine do not meet either: a domain is locked while it is used.
"""

import fcntl
import os
import tempfile
from collections import deque
from itertools import count
from pathlib import Path
from typing import IO

_DOMAINS = range(100, 200)  # `segue run` takes those below
_TAKEN = count()
_HELD: deque[IO[str]] = deque(maxlen=12)  # more than a session uses at the same time


def own_domain() -> int:
    """A domain that this process has not used lately, and that no other test session uses."""
    for _ in _DOMAINS:
        domain = _DOMAINS[(os.getpid() + next(_TAKEN)) % len(_DOMAINS)]
        lock = _lock(domain)
        if lock is not None:
            _HELD.append(lock)
            return domain
    raise RuntimeError(f"all ROS domains from {_DOMAINS[0]} to {_DOMAINS[-1]} are in use by tests")


def _lock(domain: int) -> IO[str] | None:
    folder = Path(tempfile.gettempdir()) / f"segue-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = (folder / f"domain-{domain}.lock").open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
