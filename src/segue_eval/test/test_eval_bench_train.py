"""`segue bench train`: what it refuses, and, with LeRobot's interpreter, that both networks have the same size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue_core.errors import ConfigError
from segue_eval.bench.train import Options, bench_train, table

PYTHON = os.environ.get("LEROBOT_PYTHON", "")


def test_an_interpreter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lerobot-python.*nowhere"):
        bench_train(Options(tmp_path / "nowhere", None, "small"))


@pytest.mark.timeout(1000)
@pytest.mark.skipif(not PYTHON, reason="LEROBOT_PYTHON names no interpreter with LeRobot")
def test_both_train_the_same_network() -> None:
    report = bench_train(Options(Path(PYTHON), None, "small", batch=2, steps=1, rounds=1, threads=1))
    assert report["parameters"]["segue"] == report["parameters"]["lerobot"] > 10**7
    assert all(report["ratios"][part] > 0 for part in ("compute", "whole"))
    assert "ratio" in table(report)
