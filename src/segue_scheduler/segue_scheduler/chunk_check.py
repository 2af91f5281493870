"""Is an answer fit to be executed?"""

import numpy as np

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, SchedulerError
from segue_core.policy import STREAMING, ChunkRequest, PolicyInfo


def check_chunk(
    chunk: ActionChunk,
    request: ChunkRequest,
    space: ActionSpace,
    info: PolicyInfo,
    given: ActionChunk | None = None,
) -> None:
    """Refuse a chunk as a whole; limits are the safety guard's business.

    Args:
        given: the part of the same answer that came before, if any.

    Raises:
        SchedulerError: CHUNK_WRONG_SHAPE, CHUNK_WRONG_START or CHUNK_NOT_FINITE.
    """
    if not chunk.complete and STREAMING not in info.capabilities:
        text = "part of a chunk, from a policy that does not declare 'streaming'"
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, text, got=f"{chunk.horizon} rows", expected="all rows"
        )
    shortest = info.fewest_rows if chunk.complete else 1
    if not shortest <= chunk.horizon <= info.horizon:
        rows = str(info.horizon) if shortest == info.horizon else f"{shortest} to {info.horizon}"
        got = chunk.actions.shape
        raise SchedulerError(ErrorCode.CHUNK_WRONG_SHAPE, "chunk", got=got, expected=f"({rows}, {space.dim})")
    if chunk.start_tick != request.start_tick:
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_START, "chunk start tick", got=chunk.start_tick, expected=request.start_tick
        )
    space.validate(chunk.actions, f"chunk {chunk.sequence}")
    if given is not None and not np.array_equal(chunk.actions[: given.horizon], given.actions):
        text = f"chunk {chunk.sequence}: rows that were given as final"
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, text, got="others, or fewer", expected="the same and more"
        )


def says_nothing_new(part: ActionChunk, given: ActionChunk) -> bool:
    """Whether a part came again, or was overtaken by a longer one of the same answer, `given`."""
    return not part.complete and np.array_equal(part.actions, given.actions[: part.horizon])


def usable_progress(progress: float | None) -> float | None:
    """A prediction inside [0, 1], or None when there is none or it is not a number."""
    return float(np.clip(progress, 0.0, 1.0)) if progress is not None and np.isfinite(progress) else None
