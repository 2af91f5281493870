"""What a chunk costs: plain sampling against every guided sampling of the policy, on one observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from segue_core.observation import Observation
from segue_core.policy import Policy, PredictRequest, PredictResult
from segue_core.sampling import PLAIN, served_by
from segue_core.schedule import guidance_schedule
from segue_eval.bench.timing import Timing, interleaved

BASE = PLAIN.name


def _observation(policy: Policy, generator: np.random.Generator) -> Observation:
    width, height = policy.info.image_size
    images = {
        name: generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for name in policy.info.cameras
    }
    return Observation(tick=0, state=np.zeros(policy.info.action_space.dim, dtype=np.float32), images=images)


def request_for(policy: Policy, sampling: str, instruction: str = "") -> PredictRequest:
    """A typical request: d = 8 and a ramp over half the horizon (both within what the policy knows)."""
    info = policy.info
    delay = min(8, info.max_delay)
    ramp = min(info.horizon // 2 - delay, info.max_ramp)
    omega = np.zeros(info.horizon, dtype=np.float32)
    if sampling != BASE:
        omega = guidance_schedule(info.horizon, delay, max(ramp, 0))
    return PredictRequest(
        observations=(_observation(policy, np.random.default_rng(0)),) * len(info.history),
        start_tick=0,
        sequence=0,
        sampling=sampling,
        omega=omega,
        reference=np.zeros((info.horizon, info.action_space.dim), dtype=np.float32),
        delay=delay,
        seed=0,
        instruction=instruction,
    )


def bench_policy(
    policy: Policy, rounds: int = 40, others: Mapping[str, Policy] | None = None, instruction: str = ""
) -> dict[str, Timing]:
    """Timing of one chunk for plain sampling and each that the policy declares, and plain ones of `others`."""
    calls: dict[str, Callable[[], PredictResult]] = {
        sampling: partial(policy.predict, request_for(policy, sampling, instruction))
        for sampling in served_by(policy.info.capabilities)
    }
    for name, other in (others or {}).items():
        calls[name] = partial(other.predict, request_for(other, BASE, instruction))
    return interleaved(calls, rounds)
