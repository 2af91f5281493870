"""Methods of a package outside the tree are trained, checked, served, evaluated, compared and timed by their names.

The package and the commands are those of docs/your-own-policy.md, as they stand there.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from segue_core.errors import ConfigError
from segue_core.exit_status import ExitStatus
from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_eval.compare.recorded import read_recorded
from segue_eval.compare.verify import verify
from segue_eval.report.bag import read_run
from segue_eval.report.metrics import run_metrics
from segue_policies.method import find_method, method_names, trainable

from .conftest import ROOT, Segue

PAGE = ROOT / "docs" / "your-own-policy.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.S)
NAMES = ("glide", "percept", "homing", "pacing", "spurts", "countdown", "yielding", "trickle")
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
PARTS = 10  # of a trickling chunk
EXPECTED = {"run": ExitStatus.TASK_FAILED}  # nothing is done in two seconds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, installed without network into a folder; where it lies is beside it."""
    folder = tmp_path_factory.mktemp("lab")
    for kind, text in BLOCKS:
        if kind != "sh":
            path = folder / text.split("\n", 1)[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    site = folder / "site"
    words = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(site)]
    command = [sys.executable, "-m", "pip", "install", *words, str(folder / "lab_policies")]
    subprocess.run(command, check=True)
    return site


@pytest.fixture
def lab(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package, which this process and those that it starts find."""
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(str(site))
    return site.parent


def test_no_file_of_ours_knows_the_names() -> None:
    knows = re.compile(rf"\b({'|'.join(NAMES)})\b")
    ours = [path for folder in ("src", "config", "launch") for path in (ROOT / folder).rglob("*")]
    texts = [path for path in ours if path.suffix in (".py", ".yaml", ".xml")]
    assert [path for path in texts if knows.search(path.read_text())] == []
    assert not set(NAMES) & set(method_names())


@pytest.mark.usefixtures("lab")
def test_methods_of_another_package_are_found_beside_ours() -> None:
    assert set(NAMES) - {"yielding"} < set(method_names())
    assert {"percept"} == set(NAMES) & set(trainable())
    assert find_method("glide").resolve("policy").__name__ == "Glide"
    with pytest.raises(ConfigError, match=r"percepd.*did you mean.*percept|percept"):
        find_method("percepd")


def test_every_command_of_the_page_does_what_it_says(lab: Path, tmp_path: Path) -> None:
    write_synthetic(tmp_path / "dataset", load_robot("dual_arm"), [50] * 4)
    places = {"lab_policies/": f"{lab}/lab_policies/", "trained/": f"{tmp_path}/trained/"}
    for line in (line for line in COMMANDS if "trickle" not in line and "countdown" not in line):
        words = shlex.split(line)[1:]
        if words[0] == "shell":
            continue  # done by the fixture, without network
        told = shlex.join(words).replace("--data dataset", f"--data {tmp_path}/dataset")
        for relative, absolute in places.items():
            told = told.replace(relative, absolute)
        runs = sorted(tmp_path.glob("*-pick_place-percept"))
        told = told.replace(" RUN ", f" {runs[-1] if runs else ''} ")
        out = {
            "run": ("--out", str(tmp_path), "--no-report"),
            "eval": ("--out", str(tmp_path / told.replace("/", "_"))),
        }
        _do(line, tmp_path, *shlex.split(told), *out.get(words[0], ()))


@pytest.mark.usefixtures("lab")
def test_rows_of_a_chunk_move_the_robot_before_the_chunk_is_complete_live_and_in_lockstep(
    tmp_path: Path,
) -> None:
    for line in (line for line in COMMANDS if "trickle" in line):
        _do(line, tmp_path, *shlex.split(line)[1:], "--out", str(tmp_path / shlex.split(line)[1]))
    bags = {path.parent for path in tmp_path.rglob("metadata.yaml")}
    assert len(bags) == 2
    for bag in bags:
        run = read_run(bag)
        moving = {int(tick) for tick, phase in zip(run.ticks, run.phases, strict=True) if phase == "running"}
        streamed = [chunk for chunk in run.chunks if len(chunk.parts) == PARTS]
        assert streamed, [chunk.parts for chunk in run.chunks]
        for chunk in streamed:
            assert [rows for _, rows in chunk.parts] == list(range(6, 61, 6))
            assert moving & set(range(chunk.tick, chunk.parts[-1][0])), chunk.parts
        assert verify(read_recorded(bag)).identical
        told = run_metrics(run)
        first, decoding = told["time_to_first_action_s"], told["decoding_ticks_max"]
        assert isinstance(first, float) and isinstance(decoding, float)
        assert first < decoding / run.space.rate_hz


@pytest.mark.usefixtures("lab")
def test_a_policy_that_says_that_it_is_over_ends_a_run_and_an_evaluation(tmp_path: Path) -> None:
    for line in (line for line in COMMANDS if "countdown" in line):
        _do(line, tmp_path, *shlex.split(line)[1:], "--out", str(tmp_path / shlex.split(line)[1]))
    [live] = tmp_path.rglob("result.json")
    rows = (tmp_path / "eval" / "rows.jsonl").read_text().splitlines()[1:]
    assert json.loads(live.read_text())["rule"] == "policy_stop"
    assert [json.loads(row)["rule"] for row in rows] == ["policy_stop"] * 2


def _do(line: str, folder: Path, *words: str) -> None:
    command = Segue(folder, *words)
    try:
        status = command.wait(500.0)
    finally:
        command.kill()
    assert status == EXPECTED.get(words[0], ExitStatus.SUCCESS), f"{line}\n{command.output}"
