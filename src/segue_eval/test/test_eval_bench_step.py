"""`segue bench train` without LeRobot: both steps do the same, and the table says how far the rounds agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_eval.bench.train_step import bench_step, table
from segue_policies.bench.flow_step import flow_steps


def test_the_step_of_a_training_and_a_plain_one_descend_alike(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "data", load_robot("dual_arm"), [60] * 2)
    steps = flow_steps(tmp_path / "data", 4)
    losses = {name: [step() for _ in range(3)] for name, step in steps.items()}
    assert losses["here"] == pytest.approx(losses["plain"], rel=1e-3)
    assert losses["here"][0] == pytest.approx(losses["plain"][0], rel=1e-6)


def test_the_ratio_is_of_rounds_side_by_side() -> None:
    report = bench_step(None, 2, 2, 1, lambda _: None)
    low, high = report["ratio_range"]
    assert low <= report["ratio"] <= high and f"{report['ratio']:.2f}" in table(report)
