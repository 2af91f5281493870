"""`segue bench train`: what it refuses, and, with LeRobot's interpreter, that both networks have the same size."""

from __future__ import annotations

from pathlib import Path

import pytest
from lerobot_pythons import each_lerobot

from segue_core.errors import ConfigError
from segue_eval.bench.train import TrainBenchOptions, bench_train, table


def test_an_interpreter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lerobot-python.*nowhere"):
        bench_train(TrainBenchOptions(tmp_path / "nowhere", None, "small"))


def test_the_table_says_how_it_was_measured_and_how_far_the_rounds_agree() -> None:
    speed = {"segue": {"compute": 1.2, "whole": 2.0}, "lerobot": {"compute": 1.0, "whole": 1.0}}
    ratios = {
        "ratios": {"compute": 1.2, "whole": 2.0},
        "ratio_range": {"compute": (1.1, 1.4), "whole": (1.9, 2.5)},
    }
    sizes = {"width": 512, "chunk": 100, "batch": 8, "threads": 2, "device": "cpu", "rounds": 3, "steps": 4}
    said = table({"samples_per_s": speed, "parameters": dict.fromkeys(speed, 10**7), **ratios, **sizes})
    assert "float32 on cpu, 2 threads; 3 rounds of 4 steps" in said
    assert "1.20 (1.10-1.40)" in said and "2.00 (1.90-2.50)" in said


@pytest.mark.timeout(1000)
@each_lerobot
def test_both_train_the_same_network(python: str) -> None:
    report = bench_train(
        TrainBenchOptions(Path(python), None, "small", batch=2, steps=1, rounds=1, threads=1)
    )
    assert report["parameters"]["segue"] == report["parameters"]["lerobot"] > 10**7
    assert all(report["ratios"][part] > 0 for part in ("compute", "whole"))
    assert "ratio" in table(report)
