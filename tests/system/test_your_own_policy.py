"""Methods of a package outside the tree are trained, checked, served, evaluated, compared and timed by their names.

The package and the commands are those of docs/your-own-policy.md, as they stand there.
"""

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
from segue_policies.method import find_method, method_names, trainable

from .conftest import ROOT, Segue

PAGE = ROOT / "docs" / "your-own-policy.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.S)
NAMES = ("glide", "percept", "homing", "pacing", "spurts", "countdown", "yielding")
EXPECTED = {"run": ExitStatus.TASK_FAILED}  # nothing is done in two seconds

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(1800)]


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
    for line in (line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()):
        words = shlex.split(line)[1:]
        if words[0] == "shell":
            continue  # done by the fixture, without network
        told = " ".join(words).replace("--data dataset", f"--data {tmp_path}/dataset")
        for relative, absolute in places.items():
            told = told.replace(relative, absolute)
        runs = sorted(tmp_path.glob("*-pick_place-percept"))
        told = told.replace(" RUN ", f" {runs[-1] if runs else ''} ")
        out = {
            "run": ("--out", str(tmp_path), "--no-report"),
            "eval": ("--out", str(tmp_path / told[-30:].replace("/", "_"))),
        }
        command = Segue(tmp_path, *told.split(), *out.get(words[0], ()))
        try:
            status = command.wait(500.0)
        finally:
            command.kill()
        assert status == EXPECTED.get(words[0], ExitStatus.SUCCESS), f"{line}\n{command.output}"
