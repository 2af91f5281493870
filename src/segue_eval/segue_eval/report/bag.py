"""A run's bag turned into `RunData`, and its camera frames on a regular grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, action_space
from segue_core.errors import DataError, ErrorCode
from segue_core.metrics import motion_overlap
from segue_data.bags.reader import NANOSECONDS, read, receipt_times, stamp_ns
from segue_data.bags.topics import PAUSED
from segue_eval.report.run_data import ChunkRecord, Ending, Fault, RunData, Series

STATE, COMMAND, INPUT = "/segue/state", "/segue/command", "/segue/scheduler_input"
TASK, PROGRESS, SAFETY = "/segue/task_state", "/segue/progress", "/segue/safety"
POLICY_INFO = "/segue/policy_info"
TOPICS = frozenset({STATE, COMMAND, INPUT, TASK, PROGRESS, SAFETY, POLICY_INFO})
_IDLE, _PAUSED, _FINISHED = "idle", "paused", "finished"


@dataclass
class _Messages:
    """Everything small in the bag, by tick where it has one."""

    states: list[Any] = field(default_factory=list)
    commands: dict[int, Any] = field(default_factory=dict)
    measured: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    chunks: dict[int, Any] = field(
        default_factory=dict
    )  # by sequence; the last run's win, and of a stream the last part
    parts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # by sequence: (tick, rows)
    tasks: list[Any] = field(default_factory=list)
    progress: dict[str, list[Any]] = field(default_factory=dict)
    safety: list[Any] = field(default_factory=list)
    rate_hz: float | None = None  # ticks per second; absent in bags without a policy

    def add(self, topic: str, message: Any) -> None:
        """Sort one message in."""
        if topic == STATE:
            self.states.append(message)
        elif topic == COMMAND:
            self.commands[message.tick] = message
        elif topic == INPUT:
            self.measured[message.tick] = message.measured
            for chunk in message.chunks:
                self._add_chunk(int(message.tick), chunk)
        elif topic == TASK:
            self.tasks.append(message)
        elif topic == PROGRESS:
            self.progress.setdefault(message.source, []).append(message)
        elif topic == SAFETY:
            self.safety.append(message)
        elif topic == POLICY_INFO:
            self.rate_hz = float(message.rate_hz)

    def _add_chunk(self, tick: int, chunk: Any) -> None:
        before = self.chunks.get(chunk.sequence)
        grows = before is not None and getattr(before, "partial", False)
        if before is not None and grows and chunk.horizon < before.horizon:
            return  # overtaken by a longer part
        parts = self.parts[chunk.sequence] if grows else []
        self.chunks[chunk.sequence] = chunk
        self.parts[chunk.sequence] = [*parts, (tick, int(chunk.horizon))]


def _one_run(states: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Of the bag's last run, from its first tick that is not idle to its first finished one: receipts and states."""
    busy = [(at, state) for at, state in states if state.phase != _IDLE]
    run = [(at, state) for at, state in busy if state.run_id == busy[-1][1].run_id]
    ends = [index for index, (_, state) in enumerate(run) if state.phase == _FINISHED]
    return run[: ends[0] + 1] if ends else run


def _space(messages: _Messages) -> ActionSpace:
    names = {command.action_space for command in messages.commands.values() if command.action_space}
    return action_space(sorted(names)[0] if names else "dual_arm_ee", messages.rate_hz)


def _rows(ticks: list[int], vectors: Mapping[int, Any], dim: int) -> NDArray[np.float64]:
    """One row per tick (T, D), NaN where there is none."""
    missing = np.full(dim, np.nan)
    return np.array([np.asarray(vectors.get(tick, missing), dtype=np.float64) for tick in ticks]).reshape(
        -1, dim
    )


def _optional(value: float, present: bool) -> float | None:
    return float(value) if present and np.isfinite(value) else None


def _chunk(
    space: ActionSpace,
    state: Any,
    chunk: Any,
    parts: Sequence[tuple[int, int]],
    before: ChunkRecord | None,
    epoch: int,
) -> ChunkRecord:
    first_tick = int(state.tick) - int(state.dropped_rows) - epoch
    actions = np.asarray(chunk.actions, dtype=np.float64).reshape(chunk.horizon, chunk.dim)
    return ChunkRecord(
        sequence=int(chunk.sequence),
        tick=int(state.tick) - epoch,
        first_tick=first_tick,
        delay=int(state.delay_ticks),
        actions=actions,
        omega=np.asarray(chunk.omega, dtype=np.float64),
        overlap_motion=None
        if before is None
        else motion_overlap(space, before.actions, actions, first_tick - before.first_tick),
        jump=_optional(state.jump, before is not None),
        inference_s=float(chunk.inference_s),
        parts=tuple((tick - epoch, rows) for tick, rows in parts),
    )


def _chunks(
    space: ActionSpace,
    states: list[Any],
    chunks: Mapping[int, Any],
    parts: Mapping[int, Sequence[tuple[int, int]]],
    epoch: int,
) -> tuple[ChunkRecord, ...]:
    """Spliced chunks; the first one of the run, and after a person had the robot, has no predecessor."""
    found: list[ChunkRecord] = []
    before: ChunkRecord | None = None
    for state in states:
        before = None if state.phase == _PAUSED else before
        if state.spliced and (number := state.chunk_sequence) in chunks:
            before = _chunk(space, state, chunks[number], parts[number], before, epoch)
            found.append(before)
    return tuple(found)


def _series(messages: list[Any], epoch_ns: int, name: str, end_s: float) -> Series:
    """The field `name` over time, inside the run."""
    points = [((stamp_ns(m.header) - epoch_ns) / NANOSECONDS, float(getattr(m, name))) for m in messages]
    inside = [point for point in points if -1e-9 <= point[0] <= end_s]
    table = np.array(inside, dtype=np.float64).reshape(-1, 2)
    return Series(table[:, 0], table[:, 1])


def _within(messages: list[Any], epoch_ns: int, end_s: float) -> list[Any]:
    """Those from the first tick of the run to a second after its last."""
    last_ns = epoch_ns + round((end_s + 1.0) * NANOSECONDS)
    return [message for message in messages if epoch_ns <= stamp_ns(message.header) <= last_ns]


def _ending(state: Any) -> Ending:
    if state.phase != _FINISHED:
        return Ending()
    return Ending(bool(state.success), str(state.rule), str(state.reason), int(state.error_code))


def _faults(state: Any, messages: list[Any], epoch_ns: int) -> tuple[Fault, ...]:
    """What the guard reported, once each, and what ended the run if the guard did not say it."""
    found: dict[str, Fault] = {}
    for message in messages:
        if message.error_code:
            seconds = (stamp_ns(message.header) - epoch_ns) / NANOSECONDS
            text = str(message.error_text)
            found.setdefault(text, Fault(max(seconds, 0.0), int(message.error_code), text))
    if state.phase == _FINISHED and state.error_code and state.reason not in found:
        seconds = (stamp_ns(state.header) - epoch_ns) / NANOSECONDS
        found[state.reason] = Fault(seconds, int(state.error_code), str(state.reason))
    return tuple(sorted(found.values(), key=lambda fault: fault.t))


def _counts(messages: list[Any]) -> dict[str, int]:
    if not messages:
        return {}
    safety = messages[-1]
    return {str(name): int(count) for name, count in zip(safety.count_names, safety.counts, strict=False)}


def _pauses(bag: Path) -> list[tuple[int, int]]:
    """Wall times [ns] from when to when somebody let the simulated world stand."""
    told = [bool(record.message().data) for record in read(bag, frozenset({PAUSED}))]
    changes = [*zip(receipt_times(bag, PAUSED), told, strict=True), (2**63 - 1, False)]
    return [(at, end) for (at, paused), (end, _) in pairwise(changes) if paused]


def _without_pauses(times_ns: Sequence[int], pauses: Sequence[tuple[int, int]]) -> list[int]:
    """Times as if nobody had paused: what passes meanwhile makes nobody late."""
    return [at - sum(max(0, min(at, end) - begin) for begin, end in pauses) for at in times_ns]


def _assemble(messages: _Messages, receipts_ns: Sequence[int]) -> RunData:
    run = _one_run(list(zip(receipts_ns, messages.states, strict=True)))
    states = [state for _, state in run]
    ticks = [int(state.tick) for state in states]
    space = _space(messages)
    epoch_ns = stamp_ns(states[0].header)
    end_s = (ticks[-1] - ticks[0] + 1) / space.rate_hz
    commands = {tick: command.action for tick, command in messages.commands.items()}
    return RunData(
        space=space,
        continuation=str(states[-1].continuation),
        ticks=np.array(ticks) - ticks[0],
        commands=_rows(ticks, commands, space.dim),
        measured=_rows(ticks, messages.measured, space.dim),
        phases=tuple(str(state.phase) for state in states),
        starved=np.array([bool(state.starved) for state in states]),
        expected_delay=np.array([int(state.expected_delay_ticks) for state in states]),
        # Absent in bags of before the field.
        action_age=np.array([int(getattr(state, "action_age_ticks", -1)) for state in states]),
        received_s=np.array([at - run[0][0] for at, _ in run], dtype=np.float64) / NANOSECONDS,
        epoch_ns=epoch_ns,
        chunks=_chunks(space, states, messages.chunks, messages.parts, ticks[0]),
        ending=_ending(states[-1]),
        score=_series(messages.tasks, epoch_ns, "score", end_s),
        placed=_series(messages.tasks, epoch_ns, "placed", end_s),
        total=max((int(task.total) for task in messages.tasks), default=0),
        progress={k: _series(v, epoch_ns, "progress", end_s) for k, v in messages.progress.items()},
        safety_counts=_counts(messages.safety),
        late_cycles=int(messages.safety[-1].overruns) if messages.safety else 0,
        faults=_faults(states[-1], _within(messages.safety, epoch_ns, end_s), epoch_ns),
        late=_series(messages.safety, epoch_ns, "overruns", end_s),
    )


def read_run(bag: Path) -> RunData:
    """The bag folder's last run.

    Raises:
        DataError: the bag is missing or corrupt, or nothing ran in it.
    """
    messages = _Messages()
    for record in read(bag, TOPICS):
        messages.add(record.topic, record.message())
    if all(state.phase == _IDLE for state in messages.states):
        raise DataError(
            ErrorCode.DATA_BAG_INCOMPLETE, f"{bag}: no tick of a run on {STATE}; nothing to report"
        )
    return _assemble(messages, _without_pauses(receipt_times(bag, STATE), _pauses(bag)))
