"""What one tick of the chunk scheduler costs, for every continuation at one horizon."""

from __future__ import annotations

import time

import numpy as np

from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.errors import SchedulerError
from segue_core.policy import ChunkRequest
from segue_core.scheduler_config import SchedulerConfig
from segue_eval.bench.timing import Timing, timing
from segue_scheduler import continuation
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.scripted_policy import policy_info
from segue_scheduler.tick import TickInput

BASE = "naive_async"


def _answer(request: ChunkRequest) -> ActionChunk:
    return ActionChunk(request.reference, request.start_tick, "bench", request.sequence, omega=request.omega)


def tick_seconds(name: str, ticks: int, horizon: int = 60) -> list[float]:
    """CPU time of each `step` [s] of a run with stride H/2 and delay 8; answers arrive as planned."""
    config = SchedulerConfig(continuation=name, horizon=horizon, stride=horizon // 2, time_limit_s=86400.0)
    scheduler = ChunkScheduler(config, DUAL_ARM_EE, policy_info(DUAL_ARM_EE, horizon))
    measured = np.zeros(DUAL_ARM_EE.dim)
    scheduler.start(0, measured)
    due: dict[int, ActionChunk] = {}
    samples = []
    for tick in range(ticks):
        inputs = TickInput(tick, measured, (due.pop(tick),) if tick in due else ())
        began = time.thread_time()
        output = scheduler.step(inputs)
        samples.append(time.thread_time() - began)
        if output.request is not None:
            due[tick + config.delay] = _answer(output.request)
    return samples


def bench_scheduler(ticks: int = 3000) -> dict[str, Timing]:
    """Timing of a tick per continuation; those that refuse this setting are left out."""
    timings = {}
    for name in continuation.available():
        try:
            timings[name] = timing(tick_seconds(name, ticks)[ticks // 10 :])
        except SchedulerError:
            continue
    return timings
