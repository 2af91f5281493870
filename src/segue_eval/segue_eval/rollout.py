"""One episode in lockstep: the scheduler, policy and controller of the ROS graph, with ticks for time.

    tick       o            o+1   ...   o+d                    o+s
    scheduler  request -----------------> chunk arrives         next request
    plant      executes the row of every tick meanwhile

A policy is called when its request is made and its answer is handed over `d` ticks later, so the length of
inference on this machine changes nothing; or, with `segue_core.latency.Measured`, as many ticks later as it took.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.errors import PolicyError
from segue_core.latency import Constructed, Latency
from segue_core.observation import Observation
from segue_core.policy import ChunkRequest, Policy, parts, shown
from segue_core.progress.estimator import ProgressEstimator
from segue_core.world import Plant
from segue_eval.lockstep_estimator import LockstepEstimator
from segue_eval.observation_feed import ObservationFeed
from segue_eval.result import EpisodeResult
from segue_eval.trace import Trace
from segue_perception.preprocess import resize
from segue_scheduler.bounded_corrector import BoundedCorrector
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import TickInput, TickOutput

TickObserver = Callable[[TickInput, TickOutput], None]


@dataclass
class Mailbox:
    """Answers under way: what was put for a tick is taken at that tick, or at the next call after it."""

    chunks: dict[int, list[ActionChunk]] = field(default_factory=dict)
    failures: dict[int, list[str]] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)  # notes of the policy

    def fetch(
        self,
        onlooker: ObservationFeed,
        request: ChunkRequest,
        tick: int,
        latency: Latency,
        instruction: str = "",
    ) -> None:
        """Ask the onlooker's policy now; what it says, or that it fails, is there after the latency, a tick at least.

        The pictures that it is shown take no time: a robot's cameras made them already.
        """
        began = time.perf_counter()
        answer: list[tuple[ActionChunk, float]] = []

        def due(rows: int, of: int, took_s: float) -> int:
            return tick + max(1, latency.part_ticks(request.sequence, request.delay, rows, of, took_s))

        try:
            question = shown(request, onlooker.shown(tick), instruction)
            began = time.perf_counter()
            for part in parts(onlooker.policy, question):
                answer.append((part.chunk, time.perf_counter() - began))
                self.told.update(part.notes)
        except PolicyError as error:
            self.failures.setdefault(due(1, 1, time.perf_counter() - began), []).append(str(error))
            return
        of = max(1, answer[-1][0].horizon)
        for chunk, took_s in answer:
            self.chunks.setdefault(due(chunk.horizon, of, took_s), []).append(chunk)

    def take(self, tick: int) -> tuple[tuple[ActionChunk, ...], tuple[str, ...]]:
        """Everything due at `tick` or before, in the order of its due tick."""
        chunks = tuple(c for due in sorted(self.chunks) if due <= tick for c in self.chunks.pop(due))
        failures = tuple(f for due in sorted(self.failures) if due <= tick for f in self.failures.pop(due))
        return chunks, failures


def observe(plant: Plant, policy: Policy, tick: int) -> Observation:
    """What the policy is shown at `tick`: the measured state and its cameras' images at its own size."""
    return seen(plant, policy.info.cameras, policy.info.image_size, tick)


def seen(plant: Plant, cameras: tuple[str, ...], size: tuple[int, int], tick: int) -> Observation:
    """The measured state, and the images of `cameras` at `size`, width and height [px]."""
    native = plant.images() if cameras else {}
    images = {name: resize(native[name], size) for name in cameras}
    return Observation(tick=tick, state=plant.measured().astype(np.float32), images=images)


def _bystander(estimator: ProgressEstimator, plant: Plant, rate_hz: float) -> LockstepEstimator:
    info = estimator.info
    return LockstepEstimator(estimator, partial(seen, plant, info.cameras, info.image_size), rate_hz)


def run_episode(
    plant: Plant,
    policy: Policy,
    scheduler: ChunkScheduler,
    space: ActionSpace,
    seed: int,
    *,
    latency: Latency | None = None,
    instruction: str = "",
    max_ticks: int = 100_000,
    on_tick: TickObserver | None = None,
    corrector: BoundedCorrector | None = None,
    estimator: ProgressEstimator | None = None,
) -> EpisodeResult:
    """Run episode `seed` until a termination rule ends it (or `max_ticks`, reported as rule `max_ticks`).

    `scheduler` must be fresh. `instruction` is what a policy with language is told. `on_tick` sees every input and
    output of the scheduler, in order, with what a `corrector` has added. An `estimator` looks
    on, and what it says of progress is the scheduler's.
    Equal arguments give equal results, bit for bit, except `wall_s`; but with a `Measured` latency.
    """
    began, mailbox, trace = time.perf_counter(), Mailbox(), Trace(space)
    onlooker = ObservationFeed(policy, partial(observe, plant, policy))
    latency = latency or Constructed()
    plant.reset(seed)
    onlooker.begin(0)
    scheduler.start(0, plant.measured())
    if corrector is not None:
        corrector.reset()
    bystander = _bystander(estimator, plant, space.rate_hz) if estimator is not None else None
    if bystander is not None:
        bystander.begin(0, instruction)
    for tick in range(max_ticks):
        chunks, failures = mailbox.take(tick)
        estimate = bystander.heard(tick) if bystander is not None else None
        inputs = TickInput(tick, plant.measured(), chunks, failures, plant.task_state(), estimate=estimate)
        output = scheduler.step(inputs)
        if corrector is not None:
            output = corrector.apply(output, onlooker.glance(tick, inputs.measured, corrector.looks))
        trace.add(output)
        if on_tick is not None:
            on_tick(inputs, output)
        if output.outcome is not None:
            break
        onlooker.look(tick)
        if bystander is not None:
            bystander.look(tick)
        if output.request is not None:
            mailbox.fetch(onlooker, output.request, tick, latency, instruction)
        plant.execute(output.action, tick)
        onlooker.did(tick, output.action)
    interventions = sum(plant.interventions().values())
    shortened = scheduler.stats.shortened_requests
    trace.told = mailbox.told
    trace.progress = bystander.trace(len(trace.actions)) if bystander is not None else None
    return trace.result(seed, plant.task_state(), interventions, shortened, time.perf_counter() - began)
