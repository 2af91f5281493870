"""What a splice did to the commands."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats32
from segue_core.chunk import ActionChunk
from segue_core.metrics import motion_overlap, overlap_rmse, seam_jump
from segue_scheduler.run_state import Answer
from segue_scheduler.tick import SeamReport


def seam_report(
    space: ActionSpace,
    previous: ActionChunk | None,
    answer: Answer,
    planned: NDArray[np.float64],
    commanded: NDArray[np.float64],
    tick: int,
    dropped: int,
) -> SeamReport:
    """Describe the seam at `tick`, where `planned` (D,) was due and `commanded` (D,) takes its place."""
    return SeamReport(
        sequence=answer.chunk.sequence,
        tick=tick,
        delay=tick - answer.asked_at,
        claimed_delay=answer.request.delay,
        dropped_rows=dropped,
        overlap_rmse=_of_two(previous, answer.chunk, overlap_rmse),
        overlap_motion=_of_two(previous, answer.chunk, partial(motion_overlap, space)),
        jump=seam_jump(space, planned, commanded),
    )


def _of_two(
    previous: ActionChunk | None, new: ActionChunk, overlap: Callable[[Floats32, Floats32, int], float | None]
) -> float | None:
    """Legato A.7 of two chunks by their own dates, None without a common tick."""
    stride = new.start_tick - previous.start_tick if previous else 0
    if previous is None or not 0 <= stride < previous.horizon:
        return None
    return overlap(previous.actions, new.actions, stride)
