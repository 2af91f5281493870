"""Laws of a training in stages: each begins with what an earlier one has learned, and goes on after a power cut."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_policies.checkpoints.checkpoint import load_checkpoint, read_config
from segue_policies.policy_loading import load_policy
from segue_policies.testing.dots import make_settings
from segue_policies.training.command.stages import staged
from segue_policies.training.command.train import main, make_learner, parse_settings

WEIGHTS = "weights.safetensors"


def plan(steps: int = 4) -> dict[str, Any]:
    """Eyes in a few steps, then a policy that keeps them."""
    common = make_settings(batch_size=8, evaluations=4, validation_frames=8, tensorboard=False)
    common["flow"]["horizon"] = 8
    eyes = {**common, "method": "flow", "training": common["training"] | {"steps": 2, "evaluations": 1}}
    policy = {
        **common,
        "training": common["training"] | {"steps": steps, "frozen_parts": ["encoder.encoders"]},
    }
    return {"stages": {"eyes": eyes, "policy": {**policy, "parts": {"encoder": "eyes"}}}}


@pytest.fixture(scope="module")
def robot() -> RobotConfig:
    return load_robot("dual_arm")


@pytest.fixture(scope="module")
def dataset(robot: RobotConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stages") / "dataset"
    write_synthetic(path, robot, [20, 20, 20], size=(32, 24))
    return path


def words(folder: Path, dataset: Path, settings: dict[str, Any], out: str) -> list[str]:
    file = folder / "staged.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return ["--config", str(file), f"data={dataset}", f"out={folder / out}"]


def test_a_stage_begins_with_what_an_earlier_one_has_learned(dataset: Path, tmp_path: Path) -> None:
    assert main([*words(tmp_path, dataset, plan(), "out"), "stages.policy.training.seed=3"]) == 0
    eyes, policy = (load_file(tmp_path / "out" / name / WEIGHTS) for name in ("eyes", "policy"))
    frozen = [name for name in policy if name.startswith("encoder.encoders.")]
    assert frozen and all(np.array_equal(policy[name], eyes[name]) for name in frozen)
    assert not np.array_equal(policy["encoder.trunk.0.weight"], eyes["encoder.trunk.0.weight"])
    made = read_config(tmp_path / "out/policy").provenance
    assert made is not None and made.seed == 3
    assert made.parts == {"encoder": read_config(tmp_path / "out/eyes").weights_sha256[:16]}
    assert load_policy(tmp_path / "out/policy").info.name == "legato"


def test_a_power_cut_in_the_second_stage_is_gone_on_from(dataset: Path, tmp_path: Path) -> None:
    settings = plan(steps=12)
    assert main(words(tmp_path, dataset, settings, "whole")) == 0
    given = words(tmp_path, dataset, settings, "parts")
    second = tmp_path / "parts" / "policy" / "training" / "state.json"
    process = subprocess.Popen([sys.executable, "-m", "segue_policies.training.command.train", *given])
    while not second.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was killed before it was done"
    before = (tmp_path / "parts/eyes" / WEIGHTS).stat().st_mtime_ns
    assert main([*given, "--resume"]) == 0
    assert (tmp_path / "parts/eyes" / WEIGHTS).stat().st_mtime_ns == before, "the first stage is done"
    whole, parts = ((tmp_path / name / "policy" / WEIGHTS).read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_a_stage_begins_as_a_whole_earlier_one_with_its_units(dataset: Path, tmp_path: Path) -> None:
    settings = plan()
    policy = settings["stages"]["policy"]
    settings["stages"]["again"] = {**policy, "init": "policy", "training": policy["training"] | {"steps": 1}}
    del settings["stages"]["again"]["parts"]
    jobs = staged(settings, "test", tmp_path)
    assert jobs[2].settings["training"]["init"] == str(tmp_path / "policy")
    settings["stages"]["again"]["init"] = "later"
    with pytest.raises(ConfigError, match=r"stage again: init.*later.*an earlier stage \(eyes, policy\)"):
        staged(settings, "test", tmp_path)


def test_a_part_is_an_earlier_stage_s_or_a_checkpoint_s(tmp_path: Path) -> None:
    settings = plan()
    settings["stages"]["policy"]["parts"] = {"encoder": "eye"}
    with pytest.raises(ConfigError, match=r"stage policy: parts.*eye.*an earlier stage \(eyes\)"):
        staged(settings, "test", tmp_path)
    settings["stages"]["policy"]["parts"] = {}
    settings["stages"]["policy"]["method"] = "legatto"
    with pytest.raises(ConfigError, match="legatto.*legato"):
        staged(settings, "test", tmp_path)


def test_a_part_that_the_network_has_not_is_named(checkpoint: Path, dots: Any, settings: Any) -> None:
    for key, value in (("parts", {"encodr": str(checkpoint)}), ("frozen_parts", ["encodr"])):
        wrong = settings(steps=1, **{key: value})
        with pytest.raises(ConfigError, match="part of the network.*encodr.*encoder"):
            make_learner(parse_settings(wrong, "test"), dots, None)
    right = make_learner(
        parse_settings(settings(steps=1, parts={"head": str(checkpoint)}), "test"), dots, None
    )
    begun = load_checkpoint(checkpoint, "legato").weights["head.leave.weight"]
    np.testing.assert_array_equal(right.model.get_submodule("net.head.leave").weight.detach().numpy(), begun)
