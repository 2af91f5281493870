"""One inference of Chain-of-Action: with kept keys and values and without, beside ACT's and Diffusion Policy's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from segue_data.contracts import config_folder
from segue_eval.bench.timing import Timing, interleaved
from segue_policies.bench.chain import KEPT, Size, chain_calls

BASE = KEPT


def bench_chain(size: Size, actions: int, rounds: int) -> tuple[dict[str, Timing], Mapping[str, int]]:
    """Timings on one thread, taking turns, and numbers of parameters, by name."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    calls, parameters = chain_calls(config_folder() / "training", size, actions)

    def quiet(call: Callable[[], object]) -> Callable[[], object]:
        return torch.inference_mode()(call)

    return interleaved({name: quiet(call) for name, call in calls.items()}, rounds, warmup=1), parameters


def shares(timings: Mapping[str, Timing], parameters: Mapping[str, int], rate_hz: float) -> str:
    """Each inference as a share of the control period."""
    lines = [f"one inference over the control period at {rate_hz:g} Hz:"]
    for name, value in timings.items():
        size = f"  {parameters[name] / 1e6:.1f} M parameters" if name in parameters else ""
        lines.append(f"{name}: {value.median_s * rate_hz:.2f}{size}")
    return "\n".join(lines)
