"""A sourced overlay, its expert, score and program, and a robot, a task, a policy and a suite that are plain files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from segue_core.exit_status import ExitStatus

from .conftest import ROOT

# Nothing here runs in real time: it may run beside others.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETUP = """
from setuptools import setup
setup(
    name="lab_things", version="1.0", py_modules=["lab_things"],
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/lab_things"]),
        ("share/lab_things", ["package.xml"]),
    ],
    entry_points={
        "console_scripts": ["look = lab_things:main"],
        "segue_sim.experts": ["lab_still = lab_things:expert"],
        "segue_sim.scores": ["lab_patience = lab_things:score"],
    },
)
"""
CONFIG = """
[develop]
script_dir=$base/lib/lab_things
[install]
install_scripts=$base/lib/lab_things
"""
CODE = """
from segue_core.task_state import TaskState
from segue_sim.experts.base import ScriptedExpert

class Still(ScriptedExpert):
    def script(self):
        for hand in self.hands:
            yield from self.wait(hand, 10)

class Patience:
    def __init__(self, world):
        self.world = world
    def update(self):
        pass
    def state(self):
        return TaskState(success=self.world.tick > 15, placed=0, total=1, score=7.0, text="patience")

def expert(episode, seed):
    return Still(episode, seed)

def score(world):
    return Patience(world)

def main():
    print("looking")
"""
PACKAGE = """<?xml version="1.0"?>
<package format="3">
  <name>lab_things</name><version>1.0.0</version><description>things of a lab</description>
  <maintainer email="lab@example.org">lab</maintainer><license>Apache-2.0</license>
  <export><build_type>ament_python</build_type></export>
</package>
"""


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a shell has that has sourced a workspace of the lab's own, and nothing of ours."""
    lab = tmp_path_factory.mktemp("lab")
    source = lab / "src" / "lab_things"
    (source / "resource").mkdir(parents=True)
    (source / "resource" / "lab_things").touch()
    texts = {"setup.py": SETUP, "setup.cfg": CONFIG, "lab_things.py": CODE, "package.xml": PACKAGE}
    for name, text in texts.items():
        (source / name).write_text(text)
    folders = [f"--{name}-base={lab / name}" for name in ("build", "install")]
    colcon = [sys.executable, "-m", "colcon", "--log-base", str(lab / "log")]
    subprocess.run(
        [*colcon, "build", f"--base-paths={lab / 'src'}", *folders], check=True, capture_output=True
    )
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    source_it = f". {lab / 'install' / 'local_setup.bash'} && env -0"
    told = subprocess.run(["bash", "-c", source_it], env=plain, check=True, capture_output=True, text=True)
    return dict(entry.split("=", 1) for entry in told.stdout.split("\0") if entry)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The lab's robot, task, policy and suite, each a file somewhere."""
    config = ROOT / "config"
    robot = (config / "robots" / "franka.yaml").read_text().replace("name: franka", "name: lab_arm")
    (tmp_path / "lab_arm.yaml").write_text(robot)
    task = yaml.safe_load((config / "tasks" / "push_button.yaml").read_text())
    for key in ("script", "goal"):
        del task[key]
    own = {"name": "lab_wait", "robot": "lab_arm", "expert": "lab_still", "score": "lab_patience"}
    (tmp_path / "lab_wait.yaml").write_text(yaml.safe_dump(task | own))
    (tmp_path / "lab_hold.yaml").write_text("name: lab_hold\nmethod: scripted\n")
    return tmp_path


def segue(overlay: dict[str, str], folder: Path, *words: str, status: int = 0) -> str:
    """What `./segue WORDS` prints in the shell of the overlay."""
    command = [str(ROOT / "segue"), *words]
    done = subprocess.run(command, env=overlay, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + (done.stderr if status else "")


def test_programs_of_a_sourced_overlay_are_found(overlay: dict[str, str], tmp_path: Path) -> None:
    code = "from segue_bringup.supervision.commands import executable_path as at; print(at('lab_things', 'look'))"
    program = segue(overlay, tmp_path, "shell", "python", "-c", code).strip()
    assert Path(program).is_file()
    assert segue(overlay, tmp_path, "shell", program).strip() == "looking"


def test_an_expert_and_a_score_of_a_package_and_plain_files_make_an_evaluation(
    overlay: dict[str, str], files: Path
) -> None:
    words = ["task=./lab_wait.yaml", f"robot={files / 'lab_arm.yaml'}", "policy=lab_hold.yaml", "--seeds=0:1"]
    out = ["--workers=1", "--quiet", f"--out={files / 'out'}", f"--json={files / 'told.json'}"]
    segue(overlay, files, "eval", *words, *out)
    told = json.loads((files / "told.json").read_text())
    row = told["rows"][0]
    assert (row["success"], row["score"]) == (True, 7.0)
    assert (told["setup"]["task"], told["setup"]["robot"], told["setup"]["policy"]) == (
        "lab_wait",
        "lab_arm",
        "lab_hold",
    )


def test_a_plain_file_is_a_task_of_a_recording_and_a_suite(overlay: dict[str, str], files: Path) -> None:
    named = [f"--robot={files / 'lab_arm.yaml'}", "--task=lab_wait.yaml"]
    segue(overlay, files, "data", "record", *named, "--seeds=0:1", "--workers=1", "--out=bags")
    assert len(list((files / "bags").glob("**/*.mcap"))) == 1
    suite = yaml.safe_load((ROOT / "config" / "suites" / "legato-fig6.yaml").read_text())
    (files / "mine.yaml").write_text(yaml.safe_dump(suite | {"title": "of the lab"}))
    shutil.rmtree(files / "bags")
    untrained = ["--quick", "--quiet", "--checkpoints=none", f"--out={files / 'table'}"]
    told = segue(overlay, files, "eval", "./mine.yaml", *untrained, status=ExitStatus.USAGE)
    assert "nothing of mine could be run" in told and "of the lab" in told
