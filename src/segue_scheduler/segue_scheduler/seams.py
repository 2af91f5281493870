"""What a splice did to the commands."""

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.chunk import ActionChunk
from segue_core.metrics import overlap_rmse, seam_jump
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
        overlap_rmse=_overlap(previous, answer.chunk, slice(None)),
        overlap_motion=_overlap(previous, answer.chunk, _motion(space)),
        jump=seam_jump(space, planned, commanded),
    )


def _motion(space: ActionSpace) -> NDArray[np.bool_]:
    """Which numbers of an action move an arm, (D,)."""
    return np.concatenate([np.full(c.size, c.kind is not ChannelKind.GRIPPER) for c in space.channels])


def _overlap(
    previous: ActionChunk | None, new: ActionChunk, columns: slice | NDArray[np.bool_]
) -> float | None:
    """Legato A.7 of these columns of two chunks by their own dates, None without a common tick."""
    stride = new.start_tick - previous.start_tick if previous else 0
    if previous is None or not 0 <= stride < previous.horizon:
        return None
    return overlap_rmse(previous.actions[:, columns], new.actions[:, columns], stride)
