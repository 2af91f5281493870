"""Worlds that others wrote: a toy world of a package outside the tree, recorded, learned and tried by its name.

The package and the commands are those of docs/benchmarks.md, as they stand there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.search import is_file, is_world
from segue_core.errors import ConfigError, DataError
from segue_core.world import WorldPlant
from segue_data.checks.check import check as check_data
from segue_data.checks.check import info
from segue_data.cli import main as data_main
from segue_data.contracts import config_folder, load_task
from segue_data.datasets.dataset import load
from segue_data.recording.worlds import record_world
from segue_eval.cli import main as eval_main
from segue_policies.training.command.train import main as train_main
from segue_sim.worlds import families, find_world, world_names

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
COMMANDS = [shlex.split(line)[1:] for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
RUN: Mapping[str, Callable[[Sequence[str]], int]] = {
    "eval": eval_main,
    "data": lambda words: data_main(words[1:]),
    "train": lambda words: train_main(words[1:]),
}
MORE = {
    "eval": ("--workers", "1", "--quiet", "--json", "eval.json"),
    "data": ("--workers", "1"),
    "train": (
        "--configs", str(config_folder() / "training"), "training.steps=2", "training.evaluations=1",
        "training.batch_size=4", "training.precision=float32", "training.threads=1",
    ),
}  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's package as pip would install it, on the path; its folder is the working one."""
    texts = {text.split("\n", 1)[0].removeprefix("# "): text for kind, text in BLOCKS if kind != "sh"}
    package = tmp_path / "site" / "lab_worlds"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(texts["lab_worlds/lab_worlds/__init__.py"])
    record = tmp_path / "site" / "lab_worlds-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-worlds\nVersion: 0.1.0\n")
    group = re.search(r'entry-points\."([\w.]+)"\]\n(\w+) = "([\w:]+)"', texts["lab_worlds/pyproject.toml"])
    assert group
    (record / "entry_points.txt").write_text("[{}]\n{} = {}\n".format(*group.groups()))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_task_of_a_family_is_no_file_and_a_file_is_no_task(tmp_path: Path) -> None:
    assert is_world("lab/reach") and is_world("metaworld/drawer-open-v3")
    assert not is_file("lab/reach")
    for word in ("reach", "./lab/reach", "/lab/reach", "lab/reach.yaml", "a/b/c", "~/lab", str(tmp_path)):
        assert not is_world(word)


@pytest.mark.usefixtures("lab")
def test_names_that_are_wrong_are_told_with_those_that_there_are() -> None:
    assert {"lab", "metaworld"} <= set(families())
    assert "lab/reach" in world_names()
    with pytest.raises(ConfigError, match=r"unknown task of the lab 'reech' \(did you mean 'reach'"):
        find_world("lab/reech")
    with pytest.raises(ConfigError, match=r"family of worlds 'lap' \(did you mean 'lab'"):
        find_world("lap/reach")
    with pytest.raises(ConfigError, match="lockstep only"):
        load_task("lab/reach")


@pytest.mark.usefixtures("lab")
def test_what_is_imagined_did_not_happen() -> None:
    plant = find_world("lab/reach").plant(True)
    plant.reset(4)
    before = plant.measured()
    with plant.imagined():
        plant.execute(plant.expert_action(), 0)
        assert not np.array_equal(plant.measured(), before)
    assert np.array_equal(plant.measured(), before)
    assert isinstance(plant, WorldPlant)


@pytest.mark.timeout(600)
def test_every_command_of_the_page_does_what_it_says(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (words for words in COMMANDS if words[0] in RUN):
        told = [word for word in words if not word.startswith("minutes=")]
        assert RUN[words[0]]([*told, *MORE[words[0]]]) == 0, (words, capsys.readouterr())
        if "scripted" in words:
            assert json.loads((lab / "eval.json").read_text())["summary"]["success"]["mean"] == 1.0
    assert json.loads((lab / "eval.json").read_text())["setup"]["robot"] == "lab/dot"


@pytest.mark.usefixtures("lab")
def test_demonstrations_of_a_world_are_a_dataset_of_its_successes_in_the_order_of_seeds(
    tmp_path: Path,
) -> None:
    out = tmp_path / "dataset"
    report = record_world("lab/reach", (3, 5, 4), out, workers=1, bar=False)
    assert (report.recorded, report.failed) == ((3, 5, 4), ())
    data, plant = load(out, bar=False), find_world("lab/reach").plant(True)
    assert (data.episode_count, data.rate_hz, data.cameras) == (3, 20.0, ("above",))
    assert data.instruction(1) == "go to the square"
    assert info(out)["robot"] == "lab/dot"
    assert all(finding.ok for finding in check_data(out, workers=1))
    plant.reset(3)
    for frame in range(int(data.bounds()[1])):
        assert np.allclose(data.state[frame], plant.measured(), atol=1e-5)
        assert frame or np.array_equal(data.images[frame, 0], plant.images()["above"])
        plant.execute(data.action[frame].astype(np.float64), frame)
    assert plant.task_state().success


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--disturb"], "disturb"),
        (["--randomisation", "{spread: 0.5}"], "randomisation"),
        (["--robot", "franka"], "lab/dot"),
    ],
)
def test_what_is_of_our_own_worlds_is_refused(
    lab: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data_main(["record", "--task", "lab/reach", "--out", "dataset", *words]) != 0
    assert says in capsys.readouterr().err
    assert not (lab / "dataset").exists()
    if words[0] != "--disturb":
        assert eval_main(["eval", "--task", "lab/reach", "--policy", "scripted", *words]) != 0
        assert says in capsys.readouterr().err


@pytest.mark.usefixtures("lab")
def test_a_world_that_is_another_at_the_second_time_gives_no_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = type(find_world("lab/reach").plant(True))
    reset: Callable[[object, int], None] = plane.reset
    seeds = iter((1, 2))
    monkeypatch.setattr(plane, "reset", lambda self, _: reset(self, next(seeds)))
    with pytest.raises(DataError, match="two episodes of seed 7 differ"):
        record_world("lab/reach", (7,), tmp_path / "dataset", workers=1, bar=False)
    assert not (tmp_path / "dataset").exists()
