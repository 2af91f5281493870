"""Run a scheduler against a scripted policy, tick by tick, with delays of your choice."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.task_state import TaskState
from segue_scheduler.replay import Recording
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy
from segue_scheduler.tick import Estimate, TickInput, TickOutput


def drive(
    scheduler: ChunkScheduler,
    policy: ScriptedPolicy,
    space: ActionSpace,
    ticks: int,
    delays: Callable[[int], int] = lambda number: 1,
    task: Callable[[int], TaskState | None] = lambda tick: None,
    stop_at: int | None = None,
    first_tick: int = 0,
    estimate: Callable[[int], Estimate | None] = lambda tick: None,
) -> tuple[list[TickOutput], Recording]:
    """Step `ticks` times; the answer to request number n arrives `delays(n)` (at least 1) ticks after it.

    The robot is perfect: it measures what was commanded one tick before.
    """
    measured = np.zeros(space.dim)
    recording = Recording(first_tick, measured)
    arrivals: dict[int, list[tuple[tuple[ActionChunk, ...], tuple[str, ...]]]] = defaultdict(list)
    outputs: list[TickOutput] = []
    scheduler.start(first_tick, measured)
    for tick in range(first_tick, first_tick + ticks):
        due = arrivals.pop(tick, [])
        inputs = TickInput(
            tick=tick,
            measured=measured,
            chunks=_flat(chunks for chunks, _ in due),
            failures=_flat(failures for _, failures in due),
            task=task(tick),
            stop_requested=stop_at is not None and tick >= stop_at,
            estimate=estimate(tick),
        )
        recording.inputs.append(inputs)
        output = scheduler.step(inputs)
        outputs.append(output)
        measured = output.action
        if output.request:
            number = len(policy.requests)
            arrivals[tick + max(delays(number), 1)].append(policy.answer(output.request))
    return outputs, recording


def _flat(groups: Iterable[tuple[object, ...]]) -> tuple:  # type: ignore[type-arg]
    return tuple(item for group in groups for item in group)
