"""Requests and their answers: one outstanding at a time, retried after a failure or a time-out."""

import numpy as np

from segue_core.chunk import ActionChunk
from segue_core.durations import whole_ticks
from segue_core.policy import ChunkRequest
from segue_core.scheduler_config import SchedulerConfig


class RequestLedger:
    """Sequence numbers never repeat in the life of the object: an answer from before a restart is unknown."""

    def __init__(self, config: SchedulerConfig, rate_hz: float, seed: int) -> None:
        self._retry_ticks = whole_ticks(config.retry_s, rate_hz)
        self._timeout_ticks = whole_ticks(config.request_timeout_s, rate_hz)
        self._seed = seed
        self._next_sequence = 0
        self.reset()

    def reset(self) -> None:
        """Forget the run before, but not its sequence numbers."""
        self.outstanding: ChunkRequest | None = None
        self.failed_in_a_row = 0
        self.refused_in_a_row = 0
        self.opened_at = 0
        self._heard_at = 0
        self._not_before: int | None = None
        self._source: str | None = None
        self._first_sequence = self._next_sequence

    def may_ask(self, tick: int) -> bool:
        """Nothing is outstanding and no retry is being held back."""
        return self.outstanding is None and (self._not_before is None or tick >= self._not_before)

    def next_identity(self) -> tuple[int, int]:
        """(sequence, seed) of the next request; the seed follows from the run's and the request's number."""
        number = self._next_sequence - self._first_sequence
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        return self._next_sequence, seed

    def open(self, request: ChunkRequest, tick: int) -> None:
        """Remember a request that is being sent."""
        self.outstanding, self.opened_at, self._heard_at = request, tick, tick
        self._next_sequence = request.sequence + 1

    def answers(self, chunk: ActionChunk) -> bool:
        """Is this the answer to the outstanding request, from the policy that answered before?"""
        known = self._source is None or chunk.source == self._source
        return known and self.outstanding is not None and chunk.sequence == self.outstanding.sequence

    def accept(self, chunk: ActionChunk, tick: int) -> None:
        """The outstanding request has its answer, or more of it; from now on only this source is listened to."""
        self._source, self._heard_at = chunk.source, tick
        self.outstanding = None if chunk.complete else self.outstanding
        self.failed_in_a_row = self.refused_in_a_row = 0

    def refuse(self, tick: int) -> None:
        """The answer was unusable."""
        self.refused_in_a_row += 1
        self._close(tick)

    def fail(self, tick: int) -> None:
        """There is no answer."""
        self.failed_in_a_row += 1
        self._close(tick)

    def timed_out(self, tick: int) -> bool:
        """Nothing was heard of the outstanding request for too long."""
        return self.outstanding is not None and tick - self._heard_at >= self._timeout_ticks

    def _close(self, tick: int) -> None:
        self.outstanding = None
        self._not_before = tick + self._retry_ticks
