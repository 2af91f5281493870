"""What one tick costs. The clock is passed in: the core has none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segue_core.action_space import DUAL_ARM_EE
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy, policy_info
from segue_scheduler.tick import TickInput


@dataclass(frozen=True)
class TickCost:
    """Time of one `step` [microseconds]; `request_us`, `splice_us`: medians of ticks that ask, splice."""

    ticks: int
    median_us: float
    p99_us: float
    max_us: float
    request_us: float
    splice_us: float


def tick_cost(timer_ns: Callable[[], int], ticks: int = 3000, continuation: str = "legato") -> TickCost:
    """Time `ticks` steps at H = 60, D = 14 with an answer `d` ticks after each request.

    Args:
        timer_ns: a monotonic clock, such as `time.perf_counter_ns`.
    """
    space, policy = DUAL_ARM_EE, ScriptedPolicy(DUAL_ARM_EE)
    config = SchedulerConfig(continuation=continuation, delay_mode="adaptive", time_limit_s=86400)
    scheduler = ChunkScheduler(config, space, policy_info(space))
    scheduler.start(0, np.zeros(space.dim))
    answers: dict[int, TickInput] = {}
    times = np.empty((ticks, 3))
    for tick in range(ticks):
        inputs = answers.pop(tick, None) or TickInput(tick, np.zeros(space.dim))
        begin = timer_ns()
        output = scheduler.step(inputs)
        times[tick] = (timer_ns() - begin) / 1000, output.request is not None, output.seam is not None
        if output.request:
            due = tick + config.delay
            answers[due] = TickInput(due, np.zeros(space.dim), policy.answer(output.request)[0])
    return _summary(times)


def _summary(times: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> TickCost:
    cost, asked, spliced = times.T
    return TickCost(
        ticks=len(cost),
        median_us=float(np.median(cost)),
        p99_us=float(np.percentile(cost, 99)),
        max_us=float(cost.max()),
        request_us=float(np.median(cost[asked > 0])),
        splice_us=float(np.median(cost[spliced > 0])),
    )
