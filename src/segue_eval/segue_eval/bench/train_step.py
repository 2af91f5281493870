"""`segue bench train` without LeRobot: a step of Legato's training beside the same one written plainly.

The two take turns; what counts is processor time, which what else the machine does changes least.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_policies.bench.flow_step import Step, flow_steps

PLAIN, HERE = "plain", "here"


def bench_step(
    data: Path | None, batch: int, rounds: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Observations per second of processor time of both, and the ratio, ours over the plain one's."""
    torch.set_num_threads(threads)
    with TemporaryDirectory(prefix="segue_bench_step_") as temporary:
        folder = data or Path(temporary) / "dataset"
        if data is None:
            say("writing a dataset of made-up frames")
            write_synthetic(folder, load_robot("dual_arm"), [60] * 4)
        times = _turns(flow_steps(folder, batch), rounds)
    ratios = sorted(plain / here for plain, here in zip(times[PLAIN], times[HERE], strict=True))
    return {
        "bench": "train",
        "observations_per_cpu_s": {name: batch / statistics.median(each) for name, each in times.items()},
        "ratio": statistics.median(ratios),
        "ratio_range": (ratios[0], ratios[-1]),
        "batch": batch,
        "rounds": rounds,
        "threads": threads,
    }


def _turns(steps: Mapping[str, Step], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):  # the first one warms up
        for name, step in steps.items():
            began_s = time.process_time()
            step()
            if number:
                times[name].append(time.process_time() - began_s)
    return times


def table(report: Mapping[str, Any]) -> str:
    """The report for people."""
    low, high = report["ratio_range"]
    speeds = report["observations_per_cpu_s"]
    return "\n".join(
        [
            f"Legato, batch {report['batch']}, float32 on cpu, {report['threads']} threads, {report['rounds']} rounds",
            "observations per second of processor time, and the ratio of the rounds: median (lowest to highest)",
            *(f"{name:10}{speeds[name]:10.1f}" for name in (PLAIN, HERE)),
            f"{'ratio':10}{report['ratio']:10.2f} ({low:.2f}-{high:.2f})",
        ]
    )
