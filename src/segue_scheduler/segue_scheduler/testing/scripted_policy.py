"""A policy whose answers are known in closed form, and that fails on demand."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.policy import CAPABILITIES, ChunkRequest, PolicyInfo
from segue_core.text_enum import TextEnum


class Misbehaviour(TextEnum):
    """Ways to answer one request wrongly."""

    NOT_FINITE = "not_finite"
    WRONG_HORIZON = "wrong_horizon"
    WRONG_WIDTH = "wrong_width"
    EMPTY = "empty"
    WRONG_START = "wrong_start"
    FOREIGN = "foreign"  # from a source that was not asked
    TWICE = "twice"  # the same answer two times
    FAILURE = "failure"
    SILENCE = "silence"


def policy_info(
    space: ActionSpace,
    horizon: int = 60,
    capabilities: frozenset[str] = CAPABILITIES,
    shortest: int = 1,
) -> PolicyInfo:
    """A policy that can do everything unless told otherwise, with chunks of any length."""
    return PolicyInfo(
        name="scripted",
        action_space=space,
        horizon=horizon,
        num_steps=5,
        rate_hz=space.rate_hz,
        cameras=(),
        image_size=(1, 1),
        capabilities=capabilities,
        max_delay=horizon,
        max_ramp=horizon,
        shortest=shortest,
    )


class ScriptedPolicy:
    """Every number of the action for tick n is `n * slope`, plus `disagreement` times the request's sequence.

    So a command tells which tick, and with a disagreement also which chunk, it comes from.

    Args:
        misbehaviour: what to do wrong, by number of the request (0 is the first).
        progress: prediction to send, by number of the request.
    """

    slope = 1 / 1024  # exact in binary, so laws can be tested with ==

    def __init__(
        self,
        space: ActionSpace,
        horizon: int = 60,
        disagreement: float = 0.0,
        misbehaviour: Mapping[int, Misbehaviour] | None = None,
        progress: Mapping[int, float] | None = None,
    ) -> None:
        self._space = space
        self._horizon = horizon
        self._disagreement = disagreement
        self._misbehaviour = dict(misbehaviour or {})
        self._progress = dict(progress or {})
        self.requests: list[ChunkRequest] = []

    def row(self, tick: int, sequence: int = 0) -> NDArray[np.float64]:
        """The action (D,) that chunk `sequence` holds for `tick`."""
        return np.full(self._space.dim, tick * self.slope + sequence * self._disagreement)

    def answer(self, request: ChunkRequest) -> tuple[tuple[ActionChunk, ...], tuple[str, ...]]:
        """(chunks, failures) for a request."""
        number = len(self.requests)
        self.requests.append(request)
        ticks = range(request.start_tick, request.start_tick + self._horizon)
        chunk = ActionChunk(
            actions=np.stack([self.row(tick, request.sequence) for tick in ticks]).astype(np.float32),
            start_tick=request.start_tick,
            source="scripted",
            sequence=request.sequence,
            progress=self._progress.get(number),
        )
        return _misbehave(chunk, self._misbehaviour.get(number))


def _misbehave(
    chunk: ActionChunk, how: Misbehaviour | None
) -> tuple[tuple[ActionChunk, ...], tuple[str, ...]]:
    if how is Misbehaviour.FAILURE:
        return (), ("scripted failure",)
    if how is Misbehaviour.SILENCE:
        return (), ()
    if how is Misbehaviour.TWICE:
        return (chunk, chunk), ()
    return (_spoiled(chunk, how),), ()


def _spoiled(chunk: ActionChunk, how: Misbehaviour | None) -> ActionChunk:
    actions = chunk.actions
    changed = {
        Misbehaviour.NOT_FINITE: lambda: replace(
            chunk, actions=np.where(actions == actions[-1], np.nan, actions)
        ),
        Misbehaviour.WRONG_HORIZON: lambda: replace(chunk, actions=actions[:-1]),
        Misbehaviour.WRONG_WIDTH: lambda: replace(chunk, actions=actions[:, :-1]),
        Misbehaviour.EMPTY: lambda: replace(chunk, actions=actions[:0]),
        Misbehaviour.WRONG_START: lambda: replace(chunk, start_tick=chunk.start_tick + 1),
        Misbehaviour.FOREIGN: lambda: replace(chunk, source="stranger"),
    }
    return changed[how]() if how else chunk
