"""A recorded run: what the scheduler was given, what it published, and how it was configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import parse_model
from segue_core.errors import DataError, ErrorCode
from segue_core.metrics import motion_overlap
from segue_core.policy import PolicyInfo
from segue_core.scheduler_config import SchedulerConfig
from segue_core.wire import info_of
from segue_data.bags.reader import read, stamp_ns
from segue_eval.compare.settings import RecordedSettings, find_settings
from segue_eval.report.bag import COMMAND, INPUT, POLICY_INFO, PROGRESS, STATE
from segue_scheduler.replay import Recording, Witness
from segue_scheduler.tick import TickInput
from segue_scheduler.wire import estimate_of, input_of, witness_of

_FIRST_PHASES = ("waiting", "running", "finished")


@dataclass
class _Messages:
    """Messages of one run, by tick."""

    inputs: dict[int, Any] = field(default_factory=dict)
    commands: dict[int, Any] = field(default_factory=dict)
    states: dict[int, Any] = field(default_factory=dict)
    estimates: dict[int, Any] = field(default_factory=dict)

    def add(self, topic: str, message: Any) -> None:
        """Sort one message in."""
        {INPUT: self.inputs, COMMAND: self.commands, STATE: self.states}[topic][int(message.tick)] = message


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """One run of a bag.

    Args:
        stamps: time of each tick on the run's clock [ns], which camera stamps share.
        overlaps: overlap RMSE of every seam after the first, of the numbers that move an arm.
    """

    bag: Path
    run_id: str
    info: PolicyInfo
    settings: RecordedSettings
    continuation: str
    recording: Recording
    witnesses: Mapping[int, Witness]
    stamps: Mapping[int, int]
    overlaps: tuple[float, ...]

    @property
    def ticks(self) -> list[int]:
        """Recorded ticks, in order."""
        return [inputs.tick for inputs in self.recording.inputs]

    def measured_at(self, tick: int) -> NDArray[np.float64]:
        """Measured state (D,) at a recorded tick."""
        return self.recording.inputs[self.ticks.index(tick)].measured

    def config(self, **changes: object) -> SchedulerConfig:
        """The scheduler's configuration as recorded, with `changes`; raises ConfigError for a bad one."""
        known = {"horizon": self.info.horizon, "continuation": self.continuation}
        values = dict(self.settings.scheduler) | known | changes
        return parse_model(values, SchedulerConfig, self.settings.source or "scheduler")

    def commands(self) -> NDArray[np.float64]:
        """Commands as published (T, D), in the order of their ticks."""
        return np.stack([self.witnesses[tick].action for tick in self.ticks if tick in self.witnesses])


def read_recorded(bag: Path) -> RecordedRun:
    """The last run in a bag folder.

    Raises:
        DataError: missing or corrupt bag, no run on /segue/scheduler_input, one whose beginning was not recorded,
            or no /segue/policy_info.
    """
    runs: dict[str, _Messages] = {}
    info: PolicyInfo | None = None
    running = _Messages()
    for record in read(bag, frozenset({INPUT, COMMAND, STATE, POLICY_INFO, PROGRESS})):
        message = record.message()
        if record.topic == POLICY_INFO:
            info = info_of(message)
        elif record.topic == PROGRESS:
            running.estimates |= {} if message.done else {int(message.tick): message}
        elif message.run_id:
            running = runs.setdefault(str(message.run_id), _Messages())
            running.add(record.topic, message)
    complete = [name for name, messages in runs.items() if messages.inputs]
    if not complete:
        raise _unusable(bag, f"no run on {INPUT}, so there is nothing to replay")
    if info is None:
        raise _unusable(bag, f"no message on {POLICY_INFO}, so it is not known what the policy could do")
    return _assemble(bag, complete[-1], runs[complete[-1]], info)


def _assemble(bag: Path, run_id: str, messages: _Messages, info: PolicyInfo) -> RecordedRun:
    ticks = sorted(messages.inputs)
    states = [messages.states[tick] for tick in ticks if tick in messages.states]
    if not states or str(states[0].phase) not in _FIRST_PHASES or states[0].starved_ticks:
        raise _unusable(bag, f"no {STATE} of the first tick of {run_id}: the recording began in the middle")
    taken_in = {t: estimate_of(m) for t, m in messages.estimates.items() if m.source != info.name}
    inputs = [replace(input_of(messages.inputs[tick]), estimate=taken_in.get(tick)) for tick in ticks]
    both = [tick for tick in ticks if tick in messages.states and tick in messages.commands]
    spliced = [state for state in states if state.spliced]
    return RecordedRun(
        bag=bag,
        run_id=run_id,
        info=info,
        settings=find_settings(bag),
        continuation=str(states[-1].continuation),
        recording=Recording(ticks[0], inputs[0].measured, inputs),
        witnesses={tick: witness_of(messages.states[tick], messages.commands[tick]) for tick in both},
        stamps={tick: stamp_ns(messages.inputs[tick].header) for tick in ticks},
        overlaps=tuple(_overlaps(info.action_space, inputs, spliced)),
    )


def _overlaps(space: ActionSpace, inputs: Sequence[TickInput], spliced: Sequence[Any]) -> Iterator[float]:
    chunks = {chunk.sequence: chunk.actions for given in inputs for chunk in given.chunks}
    for before, state in pairwise(s for s in spliced if s.chunk_sequence in chunks):
        stride = int(state.chunk_start_tick) - int(before.chunk_start_tick)
        overlap = motion_overlap(space, chunks[before.chunk_sequence], chunks[state.chunk_sequence], stride)
        if overlap is not None:
            yield overlap


def _unusable(bag: Path, text: str) -> DataError:
    return DataError(ErrorCode.DATA_BAG_INCOMPLETE, f"{bag}: {text}")
