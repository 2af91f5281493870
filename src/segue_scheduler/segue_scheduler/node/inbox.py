"""What arrived since the last tick. Bounded: of a flood the newest stays, and what was lost is counted."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.errors import ErrorCode, SchedulerError, SegueError
from segue_core.latency import share
from segue_core.wire import chunk_of, task_state_of
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import TaskState
from segue_scheduler.tick import Estimate, TickInput

_CAPACITY = 64


@dataclass(frozen=True, eq=False)
class Mail:
    """One tick's input, and the messages that it was made from."""

    inputs: TickInput
    chunks: tuple[ActionChunkMsg, ...]
    task: TaskState | None


class Inbox:
    """Collects between ticks; `empty` makes one `TickInput` of it.

    Args:
        space: action space that chunks must be of.
        source: name of the policy that they must come from.
    """

    def __init__(self, space: ActionSpace, source: str) -> None:
        self._space, self._source = space, source
        self._chunks: deque[ActionChunkMsg] = deque(maxlen=_CAPACITY)
        self._failures: deque[str] = deque(maxlen=_CAPACITY)
        self._held_back: tuple[int, int, int, int] | None = None
        self.lost = 0
        self.task: TaskState | None = None
        self.estimate: Estimate | None = None  # the newest that no tick has had yet
        self.stop_requested = False

    def hold_back(self, sequence: int, tick: int, wait: int, rows: int) -> None:
        """An answer is not delivered before `wait` ticks after `tick`; only the newest number is remembered.

        A part of it waits for as long as its rows take of all `rows`.
        """
        self._held_back = sequence, tick, wait, rows

    def add_chunk(self, message: ActionChunkMsg) -> None:
        """An answer; one that cannot be read counts as a failure.

        Raises:
            SchedulerError: SCHEDULER_POLICY_MISMATCH, a chunk of another action space, rate or policy; the next ones
                will not be right either.
        """
        if message.source != self._source:
            text, got = "chunk of another policy", repr(message.source)
            raise SchedulerError(
                ErrorCode.SCHEDULER_POLICY_MISMATCH, text, got=got, expected=repr(self._source)
            )
        try:
            chunk_of(message, self._space)
        except SegueError as error:
            if error.code is ErrorCode.SCHEDULER_POLICY_MISMATCH:
                raise
            self.add_failure(str(error))
            return
        self.lost += len(self._chunks) == _CAPACITY
        self._chunks.append(message)

    def add_failure(self, text: str) -> None:
        """A request failed."""
        self.lost += len(self._failures) == _CAPACITY
        self._failures.append(text)

    def forget(self) -> None:
        """Drop answers and failures: they belong to a plan that is given up."""
        self._chunks.clear()
        self._failures.clear()
        self._held_back = None
        self.estimate = None

    def empty(self, tick: int, measured: NDArray[np.float64]) -> Mail:
        """All that came since the last call and may be delivered at `tick`, with the state `measured` (D,) then.

        The task state and a request to stop stay.
        """
        chunks = tuple(chunk for chunk in self._chunks if not self._early(chunk, tick))
        early = [chunk for chunk in self._chunks if self._early(chunk, tick)]
        failures = tuple(self._failures)
        self._chunks.clear()
        self._chunks.extend(early)
        self._failures.clear()
        inputs = TickInput(
            tick=tick,
            measured=measured,
            chunks=tuple(chunk_of(chunk) for chunk in chunks),
            failures=failures,
            task=task_state_of(self.task) if self.task else None,
            stop_requested=self.stop_requested,
            estimate=self.estimate,
        )
        self.estimate = None
        return Mail(inputs, chunks, self.task)

    def _early(self, chunk: ActionChunkMsg, tick: int) -> bool:
        if self._held_back is None or int(chunk.sequence) != self._held_back[0]:
            return False
        _, asked_at, wait, rows = self._held_back
        return tick < asked_at + (share(wait, int(chunk.horizon), rows) if chunk.partial else wait)
