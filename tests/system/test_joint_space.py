"""A robot whose actions are joint angles moves like one whose actions are tool poses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segue_core.exit_status import ExitStatus
from segue_data.bags.reader import read

from .conftest import ROOT, Segue

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_a_policy_in_joint_space_moves_a_robot(
    segue: Callable[..., Segue], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("checkpoints"))
    robot = config / "robots" / "franka.yaml"
    described = robot.read_text().replace("single_arm_ee", "single_arm_joints_7")
    robot.write_text(described.replace("\narms:", "\ncontroller: {kind: joint_position}\narms:"))
    monkeypatch.setenv("SEGUE_CONFIG_DIR", str(config))
    words = ("robot:=franka", "task:=push_button", "policy:=sway", "time_limit_s:=4", "frames:=false")
    run = segue("run", *words, "--json", str(tmp_path / "told.json"))
    assert run.wait() == ExitStatus.TASK_FAILED, run.output
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["metrics"]["chunks"] >= 3 and told["starved_ticks"] == 0
    states = read(Path(told["bag"]), frozenset({"/joint_states"}))
    angles = np.array([record.message().position[:7] for record in states])
    assert np.ptp(angles, axis=0).max() > 0.1
