"""What a person sees while a task runs: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_S = 5.0
SLOW = 0.95  # of real time: below, people are told
_STOOD_S = 4.0  # between two ticks: not slow, but paused; the simulator itself waits no longer for anybody

Write = Callable[[str], None]


@dataclass
class Shown:
    """The numbers on the display; whoever learns one writes it here."""

    title: str
    headline: str = "starting"
    phase: str = "-"
    tick: int = 0
    progress: float = -1.0
    score: float = 0.0
    delay_ticks: int = 0
    overlap_rmse: float = 0.0
    starved: int = 0
    chunks: int = 0
    task: str = ""
    _seen: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=60))

    def ticked(self, now_s: float, stamp_s: float) -> None:
        """A tick was seen: by the wall clock, and by the run's own."""
        if self._seen and now_s - self._seen[-1][0] > _STOOD_S:
            self._seen.clear()
        self._seen.append((now_s, stamp_s))

    @property
    def tick_rate_hz(self) -> float:
        """Ticks per second of wall time, over the last two seconds or so."""
        return (len(self._seen) - 1) / span if (span := self._span(0)) > 0 else 0.0

    @property
    def speed(self) -> str:
        """What part of real time the run's clock makes, where it is worth telling."""
        wall_s = self._span(0)
        factor = self._span(1) / wall_s if wall_s > 0 else 1.0
        return f" ({factor:.2f} of real time)" if factor < SLOW else ""

    def _span(self, clock: int) -> float:
        return self._seen[-1][clock] - self._seen[0][clock] if self._seen else 0.0

    def line(self) -> str:
        """Everything in one line."""
        estimated = f", progress {self.progress:.2f}" if self.progress >= 0 else ""
        task = f"{self.task or 'no task state'}, score {self.score:g}{estimated}"
        chunks = f"{self.chunks} chunks, delay {self.delay_ticks}, starved {self.starved}"
        rate = f"{self.tick_rate_hz:.1f} Hz{self.speed}"
        return f"{self.headline}: {self.phase}, tick {self.tick}, {rate}, {task}, {chunks}"


class Display(Protocol):
    """Somewhere to show progress and say things."""

    def update(self) -> None:
        """Show the numbers as they are now; cheap enough to be called often."""

    def say(self, text: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Leave the terminal as it should be."""


class Lines:
    """Lines on standard error, for what is no terminal.

    Args:
        due: the line to write now, or None; asked at every update.
        write: takes a line.
    """

    def __init__(self, due: Callable[[], str | None], write: Write) -> None:
        self._due, self._write = due, write

    def update(self) -> None:
        """Write a line when it is time."""
        text = self._due()
        if text is not None:
            self._write(text)

    def say(self, text: str) -> None:
        """Write a line."""
        self._write(text)

    def close(self) -> None:
        """Nothing is open."""


class Redrawn:
    """A table that is redrawn in place on standard error, by a thread that calls `draw`."""

    def __init__(self, draw: Callable[[], Group], refresh_hz: float) -> None:
        console = Console(stderr=True)
        self._live = Live(console=console, get_renderable=draw, refresh_per_second=refresh_hz, transient=True)
        self._live.start()

    def update(self) -> None:
        """The table redraws itself."""

    def say(self, text: str) -> None:
        """Print above the table."""
        self._live.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()


def choose(
    quiet: bool, draw: Callable[[], Group], due: Callable[[], str | None], refresh_hz: float
) -> Display:
    """The display that suits standard error."""
    if sys.stderr.isatty() and not quiet:
        return Redrawn(draw, refresh_hz)

    def write(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    return Lines(due, write)


class Due:
    """One line for each change of the headline, and one every few seconds."""

    def __init__(self, shown: Shown, clock: Callable[[], float]) -> None:
        self._shown, self._clock = shown, clock
        self._headline, self._written_s = "", clock()

    def __call__(self) -> str | None:
        """The line to write now, or None."""
        now = self._clock()
        if self._shown.headline != self._headline:
            self._headline, self._written_s = self._shown.headline, now
            return self._headline
        if now - self._written_s >= PLAIN_EVERY_S:
            self._written_s = now
            return self._shown.line()
        return None


def _draw(now: Shown) -> Group:
    table = Table.grid(padding=(0, 2))
    for name, value in _cells(now).items():
        table.add_row(Text(name, style="dim"), value)
    return Group(Text(f"{now.title}: {now.headline}", style="bold"), table)


def _cells(now: Shown) -> Mapping[str, Any]:
    bar = (
        ProgressBar(total=1.0, completed=max(now.progress, 0.0), width=30) if now.progress >= 0 else Text("-")
    )
    starved = Text(f"{now.starved} ticks", style="red" if now.starved else "green")
    return {
        "phase": Text(now.phase),
        "tick": Text(f"{now.tick}   {now.tick_rate_hz:.1f} Hz{now.speed}"),
        "task": Text(f"{now.task or '-'}   score {now.score:g}"),
        "progress": bar,
        "chunks": Text(
            f"{now.chunks}   delay {now.delay_ticks} ticks   overlap {1e3 * now.overlap_rmse:.1f}e-3"
        ),
        "starved": starved,
    }


def make_display(shown: Shown, quiet: bool = False) -> Display:
    """The display of one episode."""
    return choose(quiet, lambda: _draw(shown), Due(shown, time.monotonic), refresh_hz=8)
