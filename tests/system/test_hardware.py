"""`sim:=none` with a robot in a process of its own: MuJoCo behind the topics of ros2_control, cameras from a film."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from own_domain import own_domain

from segue_bringup.supervision.commands import executable_path

from .conftest import ROOT, Segue

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.real_time]

DOMAIN = str(own_domain())
PATIENT = {
    "command_timeout_s": 2.0,
    "state_timeout_s": 1.0,
    "robot_timeout_s": 0.5,
}  # this machine may be busy


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped configuration for a slower, more patient robot, and cameras that show a film."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder, ignore=shutil.ignore_patterns("checkpoints"))
    robot = folder / "robots" / "dual_arm.yaml"
    contract = yaml.safe_load(robot.read_text())
    contract["safety"] = PATIENT
    contract["cameras"] = {"head": contract["cameras"]["head"]}  # nobody waits for three
    robot.write_text(yaml.safe_dump(contract))
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 60.0, (256, 192))
    for brightness in range(0, 240, 8):
        writer.write(np.full((192, 256, 3), brightness, np.uint8))
    writer.release()
    cameras = {name: {"driver": "usb", "options": {"device": str(film)}} for name in contract["cameras"]}
    (folder / "cameras" / "film.yaml").write_text(yaml.safe_dump({"cameras": cameras}))
    monkeypatch.setenv("SEGUE_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture
def robot(config: Path, tmp_path: Path) -> Iterator[Path]:
    """The robot, switched on; its log."""
    log = tmp_path / "robot.log"
    command = [sys.executable, str(executable_path("segue_sim", "rehearsal")), "--ros-args"]
    command += ["-p", f"robot_file:={config / 'robots' / 'dual_arm.yaml'}"]
    command += ["-p", f"task_file:={config / 'tasks' / 'pick_place.yaml'}"]
    environment = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": DOMAIN}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    yield log
    process.terminate()
    assert process.wait(timeout=60) == 0, log.read_text()


def test_a_policy_holds_a_robot_that_is_no_simulator_of_ours(
    robot: Path, tmp_path: Path, segue: Callable[..., Segue]
) -> None:
    told = tmp_path / "told.json"
    command = segue(
        "run", "sim:=none", "hardware:=rehearsal", "camera_set:=film", "policy:=hold", "time_limit_s:=3",
        "--json", str(told), "--no-report", domain=DOMAIN,
    )  # fmt: skip
    command.wait(240.0)
    assert told.is_file(), command.output
    result = json.loads(told.read_text())
    assert result["rule"] == "time_limit", command.output + robot.read_text()
    logs = Path(result["run"]) / "logs"
    assert {path.stem for path in logs.iterdir()} >= {"hardware", "cameras", "controller", "policy"}
    assert (
        "/arm_controller splices trajectories" not in command.output
    )  # an ordinary line is in the log alone
    assert "/arm_controller/joint_trajectory: /arm_controller" in (logs / "hardware.log").read_text()
