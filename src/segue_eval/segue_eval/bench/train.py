"""`segue bench train`: training samples per second of our ACT against LeRobot's, same sizes, same data, in one run.

    round 1   here: n steps    there: n steps     round 2   there ...   the two take turns, so that what else
                                                                        the machine does meets both

Each side is a process with an interpreter of its own. "compute" repeats one batch in memory; "whole" reads every batch
as a training does: here memory-mapped frames, there LeRobot's dataset and DataLoader.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_data.contracts import load_robot
from segue_data.synthetic import write_synthetic
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
class Options:
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


def bench_train(options: Options) -> dict[str, Any]:
    """Samples per second of both sides and their ratio, ours over LeRobot's.

    Raises:
        ConfigError: no such interpreter. PolicyError: a side ends, or the networks have not the same size.
    """
    if not options.lerobot.is_file():
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--lerobot-python", got=options.lerobot, expected="an interpreter"
        )
    with TemporaryDirectory(prefix="segue_bench_train_") as temporary:
        folder = Path(temporary)
        data = options.data or folder / "dataset"
        if options.data is None:
            write_synthetic(data, load_robot("dual_arm"), [60] * 4)
        return _measure(options, data, folder)


def _measure(options: Options, data: Path, folder: Path) -> dict[str, Any]:
    given = {**SIZES[options.sizes], "batch": options.batch, "threads": options.threads}
    words = [str(data), json.dumps(given | {"workers": options.workers, "device": options.device})]
    script = Path(bench.__file__).with_name("act_in_lerobot.py")
    sides = [_Side("segue", [sys.executable, "-m", "segue_policies.bench.act_here", *words], folder)]
    try:
        sides.append(_Side("lerobot", [str(options.lerobot), str(script), *words], folder))
        times = _rounds(sides, options)
    finally:
        for side in sides:
            side.close()
    samples = options.steps * options.batch
    speed = {
        side: {part: samples / statistics.median(r[part] for r in rounds) for part in PARTS}
        for side, rounds in times.items()
    }
    ratios = {part: speed["segue"][part] / speed["lerobot"][part] for part in PARTS}
    parameters = {side.name: side.parameters for side in sides}
    return {"bench": "train", "samples_per_s": speed, "ratios": ratios, "parameters": parameters, **given}


def _rounds(sides: list[_Side], options: Options) -> dict[str, list[dict[str, float]]]:
    for side in sides:
        side.run(1)  # warm
    times: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
    for number in range(options.rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            times[side.name].append(side.run(options.steps))
    return times


def table(report: Mapping[str, Any]) -> str:
    """The report for people."""
    speed, parameters = report["samples_per_s"], report["parameters"]
    head = (
        f"ACT, width {report['width']}, chunk {report['chunk']}, batch {report['batch']}: samples per second"
    )
    lines = [head, f"{'':10}{'parameters':>12}{'compute':>10}{'whole':>10}"]
    for side in ("segue", "lerobot"):
        numbers = "".join(f"{speed[side][part]:10.2f}" for part in PARTS)
        lines.append(f"{side:10}{parameters[side] / 1e6:10.2f} M{numbers}")
    ratios = "".join(f"{report['ratios'][part]:10.2f}" for part in PARTS)
    return "\n".join([*lines, f"{'ratio':10}{'':12}{ratios}"])
