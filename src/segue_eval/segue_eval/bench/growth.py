"""What grows: memory, threads and open files of processes over time, as slopes with standard errors.

The first part of a measurement is warming up (caches, pools, JIT) and is left out of the slopes. What is left is
averaged in blocks, since neighbouring samples of a process's memory are not independent, and a line is fitted to the
blocks' means by least squares. Something has grown when even the slope's lower end, two standard errors below it, is
above what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_eval import page
from segue_eval.charts import frame, padded_range, polyline

WARMING_UP = 1 / 3
_BLOCKS = 12
_SURE = 2.0  # standard errors
_COLOURS = 7  # that the page has
_KB = 1024.0 / 1e6  # of /proc, in MB


@dataclass(frozen=True)
class Look:
    """One process at one time: resident memory [MB], threads, open files."""

    at_s: float
    rss_mb: float
    threads: int
    files: int


@dataclass(frozen=True)
class Slope:
    """Growth per hour (or per episode) with its standard error; NaN from fewer than three blocks."""

    per_unit: float
    error: float

    @property
    def at_least(self) -> float:
        """The lower end of what it can be."""
        return self.per_unit - _SURE * self.error

    def text(self, digits: int = 1) -> str:
        """`1.2 ± 0.3`; a dash when there are too few samples."""
        return f"{self.per_unit:.{digits}f} ± {self.error:.{digits}f}" if np.isfinite(self.error) else "-"


@dataclass
class Watched:
    """The looks at one process; a process that is started again is another one, and is watched anew."""

    pid: int
    looks: list[Look] = field(default_factory=list)

    def settled(self) -> list[Look]:
        """Without the warming up."""
        return self.looks[round(WARMING_UP * len(self.looks)) :]

    def memory(self) -> Slope:
        """Of the resident memory [MB/h]."""
        looks = self.settled()
        return slope([look.at_s / 3600.0 for look in looks], [look.rss_mb for look in looks])

    def more(self, what: str) -> float:
        """How many `threads` or `files` more there are in the last quarter than in the first (medians)."""
        values = np.array([getattr(look, what) for look in self.settled()], dtype=np.float64)
        part = max(1, len(values) // 4)
        return float(np.median(values[-part:]) - np.median(values[:part])) if values.size else 0.0


def slope(x: Sequence[float], y: Sequence[float]) -> Slope:
    """Least squares through the means of blocks of (x, y)."""
    parts = min(_BLOCKS, len(x))
    if parts < 3:
        return Slope(float("nan"), float("nan"))
    means = [_means(np.asarray(values, dtype=np.float64), parts) for values in (x, y)]
    centred = means[0] - means[0].mean()
    spread = float(centred @ centred)
    if spread == 0.0:
        return Slope(float("nan"), float("nan"))
    rate = float(centred @ means[1]) / spread
    left = means[1] - means[1].mean() - rate * centred
    return Slope(rate, float(np.sqrt(left @ left / (parts - 2) / spread)))


def _means(values: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    return np.array([part.mean() for part in np.array_split(values, parts)])


def look_at(pid: int | str, at_s: float, proc: Path = Path("/proc")) -> Look | None:
    """What the system says of a process (`self`: this one); None when it is gone."""
    folder = proc / str(pid)
    try:
        told = dict(
            line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
        )
        files = len(list((folder / "fd").iterdir()))
    except OSError:
        return None
    if "VmRSS" not in told:  # it has ended, and nobody has asked how
        return None
    return Look(at_s, int(told["VmRSS"].split()[0]) * _KB, int(told["Threads"]), files)


def growth_table(watched: Mapping[str, Watched]) -> str:
    """One row per process."""
    head = f"{'process':16} {'memory MB':>10} {'growth MB/h':>16} {'threads':>8} {'more':>5} {'files':>6} {'more':>5}"
    return "\n".join([head, *(_row(name, one) for name, one in watched.items() if one.looks)])


def _row(name: str, one: Watched) -> str:
    last = one.looks[-1]
    return (
        f"{name:16} {last.rss_mb:10.1f} {one.memory().text():>16} {last.threads:8d} {one.more('threads'):+5.0f} "
        f"{last.files:6d} {one.more('files'):+5.0f}"
    )


def grown(watched: Mapping[str, Watched], mb_per_hour: float, more: float) -> list[str]:
    """A sentence for everything that grows beyond what is allowed."""
    said = []
    for name, one in watched.items():
        rate = one.memory()
        if rate.at_least > mb_per_hour:
            said.append(f"{name}: memory grows by {rate.text()} MB/h, allowed {mb_per_hour:g}")
        said += [
            f"{name}: {one.more(what):.0f} more {what} at the end than at the beginning, allowed {more:g}"
            for what in ("threads", "files")
            if one.more(what) > more
        ]
    return said


def report(watched: Mapping[str, Watched]) -> dict[str, object]:
    """The same as plain data."""
    return {
        name: {
            "rss_mb": one.looks[-1].rss_mb,
            "growth_mb_per_h": one.memory().per_unit,
            "standard_error_mb_per_h": one.memory().error,
            "threads": one.looks[-1].threads,
            "more_threads": one.more("threads"),
            "files": one.looks[-1].files,
            "more_files": one.more("files"),
            "looks": len(one.looks),
        }
        for name, one in watched.items()
        if one.looks
    }


def picture(title: str, watched: Mapping[str, Watched], table: str) -> str:
    """A page: resident memory over time per process, as change since the end of the warming up, and the table."""
    lines = {name: one.looks for name, one in watched.items() if one.looks}
    seconds = [look.at_s / 60.0 for looks in lines.values() for look in looks]
    changes = {name: _change(looks) for name, looks in lines.items()}
    every = np.concatenate(list(changes.values()))
    chart = frame(
        padded_range(seconds, 0.0), padded_range(every, least=1.0), width=900, height=340,
        x_label="time [min]", y_label="resident memory, change [MB]",
    )  # fmt: skip
    marks = [
        polyline(
            chart.x([look.at_s / 60.0 for look in looks]), chart.y(changes[name]), f"trace {_kind(index)}"
        )
        for index, (name, looks) in enumerate(lines.items())
    ]
    colours = {name: f"var(--c{index % _COLOURS + 1})" for index, name in enumerate(lines)}
    note = "Change since the end of the warming up (the first third)."
    body = [
        page.section(title, page.legend(colours), page.figure("", chart.svg(*marks)), note=note),
        page.section("Numbers", f"<pre>{escape(table)}</pre>"),
    ]
    return page.document(title, body)


def _kind(index: int) -> str:
    return f"k{index % _COLOURS + 1}"


def _change(looks: Sequence[Look]) -> NDArray[np.float64]:
    values = np.array([look.rss_mb for look in looks], dtype=np.float64)
    first = float(values[min(round(WARMING_UP * len(values)), len(values) - 1)])
    return values - first


def jitter_ms(times_s: ArrayLike, ticks: ArrayLike) -> NDArray[np.float64]:
    """How far the intervals between consecutive ticks are from their median [ms]; ticks left out do not count."""
    times, numbers = np.asarray(times_s, dtype=np.float64), np.asarray(ticks)
    intervals = np.diff(times)[np.diff(numbers) == 1]
    return np.asarray(np.abs(intervals - np.median(intervals)) * 1e3 if intervals.size else intervals)


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Median, 99th percentile and maximum; zeros when there are none."""
    if values.size == 0:
        return {"median": 0.0, "p99": 0.0, "max": 0.0}
    median, p99 = np.percentile(values, [50, 99])
    return {"median": float(median), "p99": float(p99), "max": float(values.max())}
