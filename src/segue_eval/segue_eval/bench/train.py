"""`segue bench train`: training samples per second of our ACT against LeRobot's, same sizes, same data, in one run.

    round 1   here: n steps    there: n steps     round 2   there ...   the two take turns, so that what else
                                                                        the machine does meets both

Each side is a process with an interpreter of its own. "compute" repeats one batch in memory; "whole" reads every batch
as a training does: here memory-mapped frames, there LeRobot's dataset and DataLoader. Both compute in float32. The
ratio is the median of the rounds' own ratios, with the lowest and the highest beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_policies import bench

SIZES: Mapping[str, Mapping[str, int]] = {
    "authors": {
        "width": 512,
        "heads": 8,
        "feedforward": 3200,
        "encoder_layers": 4,
        "latent": 32,
        "chunk": 100,
    },
    "small": {"width": 128, "heads": 4, "feedforward": 512, "encoder_layers": 2, "latent": 32, "chunk": 60},
}
PARTS = ("compute", "whole")


@dataclass(frozen=True)
class TrainBenchOptions:
    """How to measure.

    Args:
        lerobot: interpreter that has LeRobot.
        data: dataset; absent, one of made-up frames is written.
        sizes: one of `SIZES`; the image trunk is ResNet18 on both sides.
        workers: processes of LeRobot's DataLoader.
    """

    lerobot: Path
    data: Path | None
    sizes: str
    batch: int = 8
    steps: int = 4
    rounds: int = 3
    threads: int = 2
    workers: int = 0
    device: str = "cpu"


class _Side:
    """A process that runs rounds."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.name = name
        self._errors = (folder / f"{name}.txt").open("w+")
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "hf")}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ | offline,
        )
        self.parameters = int(self._answer()["parameters"])

    def run(self, steps: int) -> dict[str, float]:
        """Seconds of one round, by part."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        self._errors.seek(0)
        said = self._errors.read().strip()[-600:]
        raise PolicyError(
            ErrorCode.TRAINING_FAILED, f"{self.name}: ended with status {self._process.wait()}: {said}"
        )


def bench_train(options: TrainBenchOptions, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Samples per second of both sides and their ratio, ours over LeRobot's; `say` takes lines of progress.

    Raises:
        ConfigError: no such interpreter, or no round. PolicyError: a side ends, or the networks differ in size.
    """
    if options.rounds < 1:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--rounds", got=options.rounds, expected="1 or more"
        )
    if not options.lerobot.is_file():
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--lerobot-python", got=options.lerobot, expected="an interpreter"
        )
    with TemporaryDirectory(prefix="segue_bench_train_") as temporary:
        folder = Path(temporary)
        data = options.data or folder / "dataset"
        if options.data is None:
            say("writing a dataset of made-up frames")
            write_synthetic(data, load_robot("dual_arm"), [60] * 4)
        return _measure(options, data, folder, say)


def _measure(
    options: TrainBenchOptions, data: Path, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    given = {**SIZES[options.sizes], "batch": options.batch, "threads": options.threads}
    words = [str(data), json.dumps(given | {"workers": options.workers, "device": options.device})]
    script = Path(bench.__file__).with_name("act_in_lerobot.py")
    say("starting segue and lerobot, each in an interpreter of its own")
    sides = [_Side("segue", [sys.executable, "-m", "segue_policies.bench.act_here", *words], folder)]
    try:
        sides.append(_Side("lerobot", [str(options.lerobot), "-E", str(script), *words], folder))
        parameters = _same_size(sides)
        times = _rounds(sides, options, say)
    finally:
        for side in sides:
            side.close()
    samples = options.steps * options.batch
    speed = {
        side: {part: samples / statistics.median(r[part] for r in rounds) for part in PARTS}
        for side, rounds in times.items()
    }
    spread = {
        part: sorted(there[part] / here[part] for here, there in zip(*times.values(), strict=True))
        for part in PARTS
    }
    return {
        "bench": "train",
        "samples_per_s": speed,
        "ratios": {part: statistics.median(each) for part, each in spread.items()},
        "ratio_range": {part: (each[0], each[-1]) for part, each in spread.items()},
        "parameters": parameters,
        "rounds": options.rounds,
        "steps": options.steps,
        "device": options.device,
        **given,
    }


def _same_size(sides: list[_Side]) -> dict[str, int]:
    parameters = {side.name: side.parameters for side in sides}
    if len(set(parameters.values())) > 1:
        text = (
            "the two networks have not the same number of parameters; measured with LeRobot 0.4.4 and 0.6.1"
        )
        raise PolicyError(ErrorCode.TRAINING_FAILED, text, got=parameters)
    return parameters


def _rounds(
    sides: list[_Side], options: TrainBenchOptions, say: Callable[[str], None]
) -> dict[str, list[dict[str, float]]]:
    for side in sides:
        side.run(1)  # warm
    times: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
    for number in range(options.rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            times[side.name].append(side.run(options.steps))
        took = ", ".join(f"{name} {sum(rounds[-1].values()):.1f} s" for name, rounds in times.items())
        say(f"round {number + 1} of {options.rounds}: {took}")
    return times


def table(report: Mapping[str, Any]) -> str:
    """The report for people."""
    speed, parameters = report["samples_per_s"], report["parameters"]
    lines = [
        f"ACT, width {report['width']}, chunk {report['chunk']}, batch {report['batch']}, float32 on "
        f"{report['device']}, {report['threads']} threads; {report['rounds']} rounds of {report['steps']} steps",
        "samples per second: compute with one batch in memory, whole with reading every batch",
        f"{'':10}{'parameters':>12}{'compute':>18}{'whole':>18}",
    ]
    for side in ("segue", "lerobot"):
        numbers = "".join(f"{speed[side][part]:18.2f}" for part in PARTS)
        lines.append(f"{side:10}{parameters[side] / 1e6:10.2f} M{numbers}")
    ratios = "".join(f"{_ratio(report, part):>18}" for part in PARTS)
    return "\n".join(
        [
            *lines,
            f"{'ratio':10}{'':14}{ratios}",
            "ratio: segue over lerobot, median (lowest to highest round)",
        ]
    )


def _ratio(report: Mapping[str, Any], part: str) -> str:
    low, high = report["ratio_range"][part]
    return f"{report['ratios'][part]:.2f} ({low:.2f}-{high:.2f})"
