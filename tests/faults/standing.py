"""One graph that one test after another uses, since a start takes eight seconds."""

from pathlib import Path

from .live import Live


class Standing:
    """Keeps a graph until another robot is wanted, or until it is not as it was at its start any more."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def of(self, robot: str, folder: Path) -> Live:
        """A graph of this robot at rest, disarmed, with every node running; what is heard from now on is new."""
        if self._live is None or self._live.robot != robot or not self._live.stands:
            self.close()
            live = Live(folder, robot)
            self._live = live.__enter__()
        self._live.witness.forget()
        return self._live

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
