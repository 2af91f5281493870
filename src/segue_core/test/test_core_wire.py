"""Laws of the wire vocabulary: what is written is read again, and what an old recording lacks has its default."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from segue_core import wire
from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM
from segue_core.chunk import ActionChunk
from segue_core.errors import SchedulerError
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState

ROWS = np.random.default_rng(0).normal(size=(6, DUAL_ARM_EE.dim)).astype(np.float32)
CHUNK = ActionChunk(ROWS, 9, "policy", 3, 0.5, True, np.linspace(1, 0, 6, dtype=np.float32), complete=False)
INFO = PolicyInfo(
    "test", DUAL_ARM_EE, 60, 5, 30.0, ("head",), (96, 72), frozenset({"streaming"}), 10, 50,
    shortest=8, history=(-1, 0), observe_every=5,
)  # fmt: skip


@pytest.mark.parametrize(
    "chunk", [CHUNK, replace(CHUNK, complete=True), replace(CHUNK, progress=None, omega=None, stop=False)]
)
def test_a_chunk_comes_back_bit_by_bit(chunk: ActionChunk) -> None:
    message = SimpleNamespace(**wire.chunk_fields(chunk, DUAL_ARM_EE))
    got = wire.chunk_of(message, DUAL_ARM_EE)
    assert got.actions.tobytes() == chunk.actions.tobytes()
    assert (got.omega is None) == (chunk.omega is None)
    assert vars(got) | {"actions": 0, "omega": 0} == vars(chunk) | {"actions": 0, "omega": 0}
    with pytest.raises(SchedulerError, match="another action space"):
        wire.chunk_of(message, UNIVERSAL_DUAL_ARM)


def test_a_chunk_of_a_recording_from_before_streams_is_a_whole_one() -> None:
    message = SimpleNamespace(**wire.chunk_fields(CHUNK, DUAL_ARM_EE))
    del message.partial
    assert wire.chunk_of(message).complete


def test_a_policy_comes_back_the_same_and_an_old_one_sees_the_newest_observation_alone() -> None:
    message = SimpleNamespace(**wire.info_fields(INFO, "instance"))
    assert wire.info_of(message) == INFO
    for name in ("shortest", "history", "observe_every"):
        delattr(message, name)
    assert wire.info_of(message) == replace(INFO, shortest=0, history=(0,), observe_every=0)


def test_a_task_state_comes_back_the_same() -> None:
    state = TaskState(True, 0.75, 2, 3, "two of three")
    assert wire.task_state_of(SimpleNamespace(**wire.task_state_fields(state, "t", 1))) == state
