"""The round trip with LeRobot itself, in interpreters of its own that `LEROBOT_PYTHONS` names (docs/training.md)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_pythons import each_lerobot

from segue_core.errors import DataError
from segue_data.contracts import load_robot
from segue_data.datasets.adopt import adopt
from segue_data.datasets.dataset import load
from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.synthetic import write_synthetic

pytestmark = pytest.mark.timeout(1000)
LENGTHS = (12, 7)


def lerobot(python: str, *words: object) -> str:
    command = [python, str(Path(__file__).with_name("lerobot_side.py")), *map(str, words)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(words[1]) + "-cache"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of smooth pictures (what a video codec keeps) and random vectors."""
    rng, robot = np.random.default_rng(0), load_robot("dual_arm")
    count = sum(LENGTHS)
    ramp = np.add.outer(np.arange(72), np.arange(96))
    images = np.stack([np.stack([ramp + 4 * k, 255 - ramp, ramp // 2], -1) for k in range(count)])
    images = np.repeat(np.clip(images, 0, 255).astype(np.uint8)[:, None], 3, axis=1)
    state, action = rng.normal(size=(2, count, 14)).astype(np.float32)
    path = tmp_path_factory.mktemp("frames") / "frames.npz"
    np.savez(
        path, images=images, state=state, action=action, episode=np.repeat([0, 1], LENGTHS),
        cameras=np.array(list(robot.cameras)), names=np.array(robot.action_space.names),
    )  # fmt: skip
    return path


@each_lerobot
@pytest.mark.parametrize(("mode", "off"), [("image", 0.0), ("video", 3.0)])
def test_a_dataset_that_lerobot_wrote_loads_here(
    python: str, mode: str, off: float, frames: Path, tmp_path: Path
) -> None:
    lerobot(python, "write", tmp_path / "ds", mode, frames)
    with pytest.raises(DataError, match="segue data adopt DATASET --robot"):
        load(tmp_path / "ds", bar=False)
    adopt(tmp_path / "ds", load_robot("dual_arm"))
    got, wanted = load(tmp_path / "ds", bar=False, workers=1), np.load(frames)
    for name in ("state", "action", "episode"):
        np.testing.assert_array_equal(getattr(got, name), wanted[name])
    difference = np.abs(got.images.astype(float) - wanted["images"]).mean(axis=(1, 2, 3, 4))
    assert difference.max() <= off  # of 255; neighbouring frames differ by 1.3


@each_lerobot
def test_a_dataset_written_here_loads_and_trains_in_lerobot(python: str, tmp_path: Path) -> None:
    written = write_synthetic(tmp_path / "ds", load_robot("dual_arm"), LENGTHS)
    facts: dict[str, Any] = json.loads(
        lerobot(python, "train", tmp_path / "ds", tmp_path / "act").strip().splitlines()[-1]
    )
    assert (facts["episodes"], facts["frames"]) == (2, sum(LENGTHS))
    assert len(facts["losses"]) == 3 and np.isfinite(facts["losses"]).all()
    np.testing.assert_array_equal(np.float32(facts["action"]), written.action[5])
    assert facts["pixels"] == pytest.approx(written.images[5, 0].mean() / 255.0, abs=1e-4)
    assert (tmp_path / "act" / "model.safetensors").is_file()


@each_lerobot
def test_lerobots_own_command_trains_on_a_dataset_written_here(python: str, tmp_path: Path) -> None:
    """As docs/training.md says it, small, and without what it would fetch; its checkpoint is LeRobot's own."""
    write_synthetic(tmp_path / "ds", load_robot("dual_arm"), LENGTHS)
    small = [
        "dim_model=32",
        "n_heads=2",
        "dim_feedforward=32",
        "latent_dim=4",
        "pretrained_backbone_weights=null",
    ]
    done = subprocess.run(
        [
            str(Path(python).with_name("lerobot-train")), "--dataset.repo_id=local/ds",
            f"--dataset.root={tmp_path / 'ds'}", f"--output_dir={tmp_path / 'out'}", "--policy.type=act",
            "--policy.push_to_hub=false", "--policy.device=cpu", "--steps=2", "--batch_size=2", "--num_workers=0",
            *(f"--policy.{each}" for each in small),
        ],
        capture_output=True, text=True, check=False, env=os.environ | {"HF_HUB_OFFLINE": "1"}, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    written = tmp_path / "out/checkpoints/last/pretrained_model"
    assert json.loads((written / "config.json").read_text())["type"] == "act"


def test_a_dataset_of_another_robot_is_not_adopted(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "ds", load_robot("dual_arm"), (3,))
    robot = load_robot("dual_arm")
    with pytest.raises(DataError, match="exists already"):
        adopt(tmp_path / "ds", robot)
    (tmp_path / "ds/meta/segue.json").unlink()
    info = tmp_path / "ds/meta/info.json"
    content = json.loads(info.read_text())
    content["fps"] = 10
    del content["features"]["observation.images.head"]
    content["features"]["action"]["shape"] = [7]
    info.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"action has shape \[7\].*no pictures of head.*10 frames per second"):
        adopt(tmp_path / "ds", robot)


def test_an_adopted_dataset_is_read_at_the_size_asked_for(tmp_path: Path) -> None:
    written = write_synthetic(tmp_path / "ds", load_robot("dual_arm"), (3,))
    (tmp_path / "ds/meta/segue.json").unlink()
    adopt(tmp_path / "ds", load_robot("dual_arm"), (48, 36))
    got = load(tmp_path / "ds", bar=False, workers=1)
    assert got.images.shape == (3, 3, 36, 48, 3)
    small = written.images[0, 0].reshape(36, 2, 48, 2, 3).mean(axis=(1, 3))  # averaged areas
    np.testing.assert_allclose(got.images[0, 0], small, atol=1.0)


def test_the_tasks_of_a_dataset_are_read_as_each_lerobot_stores_them(tmp_path: Path) -> None:
    """0.4.4 lets pandas name and type the column of texts, 0.6.1 writes `task` as string."""
    write_synthetic(tmp_path / "ds", load_robot("dual_arm"), (3,))
    (tmp_path / "ds/meta/segue.json").unlink()
    for name, kind in (("__index_level_0__", pa.large_string()), ("task", pa.string())):
        table = {"task_index": [0], name: pa.array(["go to the dot"], kind)}
        pq.write_table(pa.table(table), tmp_path / "ds/meta/tasks.parquet")
        adopt(tmp_path / "ds", load_robot("dual_arm"))
        assert open_dataset(tmp_path / "ds").episodes[0].task
        (tmp_path / "ds/meta/segue.json").unlink()
