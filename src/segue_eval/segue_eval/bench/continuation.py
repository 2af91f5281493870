"""What continuing costs: one chunk by plain flow, Legato, RTC and bidirectional decoding, at several sizes in one run.

Weights are random (they cost the same) and shared by all, so that caches favour none; images are three of
96 x 72 pixels, H, D, N = 60, 14, 5, one thread. The plain chunk of each size is the base of that size's ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import torch

from segue_core.action_space import DUAL_ARM_EE
from segue_core.policy import PredictResult
from segue_eval.bench.policy import request_for
from segue_eval.bench.timing import Timing, interleaved
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.untrained import fresh_network, untrained_policy
from segue_scheduler.bench import TickCost, tick_cost

SIZES: Mapping[str, NetworkConfig] = {
    "small": NetworkConfig(channels=(16, 32, 32), condition_width=128, head_width=256, head_blocks=2),
    "shipped": NetworkConfig(),
    "large": NetworkConfig(condition_width=512, head_width=1024, head_blocks=6),
}
POLICY_OF = {"plain": "flow", "legato": "legato", "rtc": "flow", "bidirectional": "flow"}
"""Method of a request to the objective whose policy answers it."""

BASE = "plain"
FLOW = FlowConfig()


def bench_continuation(rounds: int = 40) -> dict[str, Timing]:
    """Timing of one chunk by `size/continuation`."""
    torch.set_num_threads(1)
    calls: dict[str, Callable[[], PredictResult]] = {}
    for size, network in SIZES.items():
        net = fresh_network(network, DUAL_ARM_EE, FLOW)
        made = {name: untrained_policy(name, DUAL_ARM_EE, net, FLOW) for name in ("flow", "legato")}
        for name, variant in POLICY_OF.items():
            request = request_for(
                made["legato"], name
            )  # one request for all: its lengths suit every continuation
            calls[f"{size}/{name}"] = partial(made[variant].predict, request)
    return interleaved(calls, rounds)


def ratios(timings: Mapping[str, Timing]) -> dict[str, float]:
    """Median over that of the same size's plain chunk."""
    return {
        name: value.median_s / timings[f"{name.split('/')[0]}/{BASE}"].median_s
        for name, value in timings.items()
    }


def bench_tick(ticks: int) -> TickCost:
    """The scheduler's own cost beside it, H = 60, D = 14; CPU time of this thread."""
    return tick_cost(time.thread_time_ns, ticks)


def table(timings: Mapping[str, Timing], cost: TickCost) -> str:
    """Plain text: sizes as rows, continuations as columns, each with its ratio."""
    factor = ratios(timings)
    lines = [f"{'one chunk [ms] (ratio to plain)':34}" + "".join(f"{name:>20}" for name in POLICY_OF)]
    for size in SIZES:
        cells = "".join(
            f"{timings[f'{size}/{m}'].median_s * 1e3:12.2f} ({factor[f'{size}/{m}']:.2f})" for m in POLICY_OF
        )
        lines.append(f"{size:34}{cells}")
    lines.append(
        f"scheduler tick, H = 60, D = 14: median {cost.median_us:.1f} us, with a request {cost.request_us:.1f}, "
        f"with a splice {cost.splice_us:.1f}"
    )
    return "\n".join(lines)
