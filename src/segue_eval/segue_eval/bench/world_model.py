"""What a policy's memory costs and is worth: chunk by chunk of one long task.

told every tau ticks, asked every s
chunk        1 ... 5 ................. 50        time of the 50th over that of the 5th: 1 when the memory is bounded
made anew        what the answer costs without kept keys and values: a policy that is told everything again
in full          pictures denoised to the end, where a part is enough for the actions
ticks            what an answer that takes as long as its chunk is executed costs in time, waiting and not waiting
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError, ErrorCode
from segue_core.observation import Observation
from segue_core.policy import MemoryPolicy, Policy, PolicyInfo, PredictRequest
from segue_core.sampling import WORLD_MODEL
from segue_core.scheduler_config import SchedulerConfig
from segue_eval.bench.policy import request_for
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import Phase, TickInput

PARTS: Mapping[str, Mapping[str, float]] = {
    "3 steps to 0.6, 10": {"video_until": 0.6, "video_steps": 3, "action_steps": 10},
    "5 steps to 1, 10": {"video_until": 1.0, "video_steps": 5, "action_steps": 10},
    "20 steps to 1, 50": {"video_until": 1.0, "video_steps": 20, "action_steps": 50},
}
"""Euler steps of pictures and of actions: the paper's, as long ones to the end, and those of the authors' release."""

WAYS = ("synchronous", "world_model_naive", "world_model_async")
_AROUND = 2
_ROWS = 400


@dataclass(frozen=True)
class WorldModelBench:
    """Seconds of the processor, or ticks.

    Args:
        kept, anew: by chunk, the answer with what is remembered, and after being told everything again.
        parts: by how precisely is imagined.
        ticks: by continuation, until as many rows were executed.
    """

    kept: Mapping[int, float]
    anew: Mapping[int, float]
    parts: Mapping[str, float]
    ticks: Mapping[str, int]


def bench_world_model(
    policy: Policy, chunks: int, stride: int, clock: Callable[[], float] = time.thread_time
) -> WorldModelBench:
    """Time a policy by a clock in seconds; `chunks` at least 10.

    Raises:
        ConfigError: it is no world model with a memory.
    """
    told = _Told(_with_memory(policy), stride, clock)
    kept = {}
    anew = {}
    for chunk in range(1, chunks + 1):
        around = [mark for mark in (5, chunks) if abs(chunk - mark) <= _AROUND]
        kept[chunk] = told.ask()
        if around:
            anew[chunk] = told.ask_anew()
    parts = {name: told.ask(options) for name, options in PARTS.items()}
    ticks = {way: ticks_for(policy.info, way, _ROWS) for way in WAYS}
    return WorldModelBench(_medians(kept, chunks), _medians(anew, chunks), parts, ticks)


def ticks_for(info: PolicyInfo, continuation: str, rows: int) -> int:
    """Ticks until `rows` rows are executed, where an answer takes half a horizon and so much of it is executed."""
    half = info.horizon // 2
    config = SchedulerConfig(
        continuation=continuation,
        horizon=info.horizon,
        stride=half,
        delay=half,
        ramp=0,
        termination=("operator",),
    )
    space = info.action_space
    scheduler = ChunkScheduler(config, space, info)
    pose = np.clip(np.zeros(space.dim), space.low, space.high)
    scheduler.start(0, pose)
    done, chunks, tick = 0, tuple[ActionChunk, ...](), 0
    while done < rows:
        step = scheduler.step(TickInput(tick, pose, chunks=chunks))
        done += step.phase is Phase.RUNNING
        asked = step.request
        still = np.tile(pose, (info.horizon, 1)).astype(np.float32)
        chunks = () if asked is None else (ActionChunk(still, asked.start_tick, info.name, asked.sequence),)
        tick += 1
    return tick


def table(found: WorldModelBench) -> str:
    """In words and numbers."""
    first, last = min(found.kept), max(found.kept)
    lines = [f"{'':34}  {'chunk ' + str(first):>10}  {'chunk ' + str(last):>10}  {'ratio':>6}"]
    for name, times in (("with what is remembered", found.kept), ("told everything again", found.anew)):
        ratio = times[last] / times[first]
        lines.append(f"{name:34}  {times[first] * 1e3:7.1f} ms  {times[last] * 1e3:7.1f} ms  {ratio:6.2f}")
    base = next(iter(found.parts.values()))
    lines += [
        f"{'pictures, actions: ' + k:34}  {v * 1e3:7.1f} ms  {'':10}  {v / base:6.2f}"
        for k, v in found.parts.items()
    ]
    sync = found.ticks[WAYS[0]]
    lines += [f"{k:34}  {v:7} ticks  {'':8}  {v / sync:6.2f}" for k, v in found.ticks.items()]
    return "\n".join(lines)


class _Told:
    """A policy in one long task, and what it was told."""

    def __init__(self, policy: MemoryPolicy, stride: int, clock: Callable[[], float]) -> None:
        self._policy, self._stride, self._clock = policy, stride, clock
        self._request = request_for(policy, WORLD_MODEL.name)
        self._random = np.random.default_rng(0)
        self._tick = 0
        self._said: list[tuple[Observation, np.ndarray]] = []
        self._say(Observation(0, self._request.observation.state, self._request.observation.images), 0)

    def ask(self, options: Mapping[str, float] | None = None) -> float:
        """Seconds of the next answer; then the task goes on."""
        took = self._seconds(lambda: self._policy.predict(self._now(options)))
        every = self._policy.info.observe_every
        for _ in range(self._stride // every):
            self._tick += every
            images = {
                name: self._random.integers(0, 256, image.shape, dtype=np.uint8)
                for name, image in self._request.observation.images.items()
            }
            self._say(Observation(self._tick, self._request.observation.state, images), every)
        return took

    def ask_anew(self) -> float:
        """Seconds of an answer by one that is told everything again."""
        other = self._policy.fork()

        def again() -> None:
            other.reset()
            for said in self._said:
                other.observe(*said)
            other.predict(self._now(None))

        return self._seconds(again)

    def _seconds(self, call: Callable[[], object]) -> float:
        began = self._clock()
        call()
        return self._clock() - began

    def _say(self, seen: Observation, rows: int) -> None:
        done = np.zeros((rows, self._policy.info.action_space.dim), np.float32)
        self._said.append((seen, done))
        self._policy.observe(seen, done)

    def _now(self, options: Mapping[str, float] | None) -> PredictRequest:
        seen = self._said[-1][0]
        return replace(
            self._request, start_tick=self._tick, observations=(seen,), options=dict(options or {})
        )


def _with_memory(policy: Policy) -> MemoryPolicy:
    info = policy.info
    if not info.observe_every or WORLD_MODEL.needs not in info.capabilities:
        text = f"policy {info.name!r} is no world model with a memory"
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, text, got=sorted(info.capabilities), expected=WORLD_MODEL.needs
        )
    policy.reset()
    return cast(MemoryPolicy, policy)


def _medians(times: Mapping[int, float], chunks: int) -> dict[int, float]:
    return {
        mark: float(np.median([took for chunk, took in times.items() if abs(chunk - mark) <= _AROUND]))
        for mark in (5, chunks)
    }
