"""What a seam reports about two chunks."""

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE, ChannelKind
from segue_core.chunk import ActionChunk
from segue_core.policy import ChunkRequest
from segue_scheduler.run_state import Answer
from segue_scheduler.seam_report import seam_report

OLD = np.zeros((60, DUAL_ARM_EE.dim), dtype=np.float32)


@pytest.mark.parametrize(("kind", "of_all", "of_motion"), [
    (ChannelKind.GRIPPER, np.sqrt(2), 0.0),
    (ChannelKind.POSITION, np.sqrt(6), np.sqrt(6)),
])  # fmt: skip
def test_the_overlap_of_motion_leaves_the_grippers_out(
    kind: ChannelKind, of_all: float, of_motion: float
) -> None:
    new = OLD.copy()
    for channel in DUAL_ARM_EE.channels:
        if channel.kind is kind:
            new[:, DUAL_ARM_EE.slice(channel.name)] = 1.0
    previous, chunk = (ActionChunk(rows, tick, "policy", tick) for rows, tick in ((OLD, 0), (new, 30)))
    request = ChunkRequest(30, 1, "plain", np.zeros(60, dtype=np.float32), OLD, delay=8, seed=0)
    row = np.zeros(DUAL_ARM_EE.dim)
    seam = seam_report(DUAL_ARM_EE, previous, Answer(chunk, request, 30), row, row, 38, 8)
    assert seam.overlap_rmse == pytest.approx(of_all)
    assert seam.overlap_motion == pytest.approx(of_motion)
