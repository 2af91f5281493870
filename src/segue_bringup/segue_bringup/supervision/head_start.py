"""What the nodes of a graph share is imported by another process while this one reads and checks what is asked for.

this process   imports, reads the words, plans, checks ...  make_fork_server -> nodes are forked
fork server    imports what all nodes share ............... waits
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from segue_bringup.supervision.forked import ForkServer

COMMANDS: Final = frozenset({"run", "record", "replay", "move", "serve"})
_HELP: Final = frozenset({"-h", "--help"})
_AT_THE_IMPORT: Final = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Of a graph's environment (`config/graph`), what is read before a node has its own."""


class _Begun:
    server: ForkServer | None = None


@contextmanager
def head_start(words: Sequence[str]) -> Iterator[None]:
    """Begin a fork server if the words of a command ask for a graph; one that nobody took ends with the block."""
    if words and words[0] in COMMANDS and not _HELP & set(words):
        _Begun.server = ForkServer({**_AT_THE_IMPORT, **os.environ})
    try:
        yield
    finally:
        if unused := begun():
            with unused:
                pass


def begun() -> ForkServer | None:
    """The one that was begun, for whoever takes it over and closes it; None where there is none, or no more."""
    server, _Begun.server = _Begun.server, None
    return server
