"""One graph that one test after another uses, since a start takes eight seconds."""

from pathlib import Path
from typing import TypeVar

from .live import Live

LiveT = TypeVar("LiveT", bound=Live)


class Standing:
    """Keeps a graph until another robot or kind is wanted, or until it is not as it was at its start any more."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def of(self, robot: str, folder: Path, kind: type[LiveT]) -> LiveT:
        """A graph of this robot at rest, disarmed, with every node running; what is heard from now on is new."""
        live = self._live
        if type(live) is not kind or live.robot != robot or not live.stands:
            self.close()
            self._live = live = kind(folder, robot).__enter__()
        live.forget()
        return live

    def settle(self) -> None:
        """The test is over: put the graph to rest, or give it up."""
        if self._live is None:
            return
        try:
            assert self._live.stands
            self._live.end()
            self._live.until(lambda: bool(self._live and self._live.recover().success), "the guard recovers")
        except AssertionError:
            self.close()

    def close(self) -> None:
        """End the graph, if there is one."""
        live, self._live = self._live, None
        if live is not None:
            live.__exit__()
