"""Counts of one run. Bounded memory however long the run is."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from segue_scheduler.tick import SeamReport


@dataclass
class Statistics:
    """What happened since the start; all counts are exact.

    Args:
        ticks: steps taken while running.
        waiting_ticks: held for the first chunk.
        first_action_ticks: from the start to the first action of a chunk; None while there is none.
        thinking_ticks: held by a continuation that waits (`synchronous`).
        starved_ticks, longest_starvation: no row to execute, in all and in a row.
        aged_ticks: starved though there was a row, which was about an observation too long ago.
        requests, failed_requests, timeouts: asked; answered with a failure; not answered in time.
        chunks: spliced in.
        refused_chunks: not finite, wrong shape or wrong start: refused whole.
        dropped_chunks: duplicate, reordered, unasked for or from another source; of a stream also parts without news.
        late_chunks: wholly in the past when they arrived.
        shortened_requests: asked with a shorter delay or ramp than configured or estimated.
        delays: how often each delay [ticks] was seen.
    """

    ticks: int = 0
    waiting_ticks: int = 0
    first_action_ticks: int | None = None
    thinking_ticks: int = 0
    starved_ticks: int = 0
    longest_starvation: int = 0
    aged_ticks: int = 0
    requests: int = 0
    failed_requests: int = 0
    timeouts: int = 0
    chunks: int = 0
    refused_chunks: int = 0
    dropped_chunks: int = 0
    late_chunks: int = 0
    dropped_rows: int = 0
    shortened_requests: int = 0
    seams: int = 0
    overlap_rmse_sum: float = 0.0
    jump_sum: float = 0.0
    jump_max: float = 0.0
    delays: Counter[int] = field(default_factory=Counter)

    def add_seam(self, seam: SeamReport) -> None:
        """Count a spliced chunk; seams are counted from the second chunk on."""
        self.chunks += 1
        self.delays[seam.delay] += 1
        self.dropped_rows += seam.dropped_rows
        if seam.overlap_rmse is not None:
            self.seams += 1
            self.overlap_rmse_sum += seam.overlap_rmse
            self.jump_sum += seam.jump
            self.jump_max = max(self.jump_max, seam.jump)

    @property
    def overlap_rmse_mean(self) -> float | None:
        """Mean of Legato A.7 over the seams, None without any."""
        return self.overlap_rmse_sum / self.seams if self.seams else None

    @property
    def jump_mean(self) -> float | None:
        """Mean step at the seams, None without any."""
        return self.jump_sum / self.seams if self.seams else None

    @property
    def delay_mean(self) -> float | None:
        """Mean delay of spliced chunks [ticks], None without any."""
        return sum(d * n for d, n in self.delays.items()) / self.chunks if self.chunks else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        counts = asdict(self) | {"delays": {str(d): n for d, n in sorted(self.delays.items())}}
        means = {name: getattr(self, name) for name in ("overlap_rmse_mean", "jump_mean", "delay_mean")}
        return {key: value for key, value in counts.items() if not key.endswith("_sum")} | means
