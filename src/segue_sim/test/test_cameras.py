"""The cameras' OpenGL ends without a word, however the process ends."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[3] / "config"

PROGRAM = """
import sys, weakref
from pathlib import Path
class Older: pass
older = Older()
weakref.finalize(older, int)  # as libraries do, long before a camera is made
from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode
config = Path(sys.argv[1])
robot = load_yaml((config / "robots/dual_arm.yaml").read_text(), RobotConfig, "robot")
task = load_yaml((config / "tasks/pick_place.yaml").read_text(), TaskConfig, "task")
world = Episode(robot, task)
print(sorted(world.render()))
sys.exit("the end")
"""


@pytest.mark.parametrize("closed", [False, True])
def test_a_process_with_cameras_ends_quietly(closed: bool) -> None:
    program = PROGRAM.replace("sys.exit", "world.close()\nsys.exit") if closed else PROGRAM
    ended = subprocess.run(
        [sys.executable, "-c", program, str(CONFIG)], capture_output=True, text=True, timeout=120
    )
    assert "head" in ended.stdout
    assert ended.stderr == "the end\n"
