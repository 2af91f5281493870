"""The Franka back end against a simulator of the robot's network protocol, in a process of its own.

    pip install --no-deps -r requirements/hardware.txt                        the client
    python -m venv V; V/bin/pip install -r requirements/hardware-franka-sim.txt    the simulator: 0.6 GB
    SEGUE_FRANKA_SIM=V/bin/franky-sim pytest src/segue_control/test/test_hardware_franka.py

The simulator may be slower than time: paths are paced by the robot's own clock.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from segue_control.backends.franka import FrankaBackend
from segue_control.controller import RobotController
from segue_control.hardware.franka import franka_error
from segue_control.hardware.motion import Motion
from segue_core.contracts.base import load_yaml
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "franka.yaml"
SIMULATOR = os.environ.get("SEGUE_FRANKA_SIM") or shutil.which("franky-sim")
ADDRESS = "127.0.0.77"
PERIOD_S = 1 / 120
OUR_OWN = (
    "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
)  # the simulator has its own


def _until(done: Callable[[], bool], limit_s: float = 60.0) -> None:
    """A real process needs real time."""
    end = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end:
            pytest.fail("it did not happen")
        time.sleep(0.002)


class Cell:
    """A simulated arm and the back end that reaches it."""

    def __init__(self, robot: RobotConfig) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in OUR_OWN}
        command = [str(SIMULATOR), "--simulator", "mujoco", "--hostname", ADDRESS]
        self.robot = robot
        self.server = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        options = {"arms": {"arm": {"address": ADDRESS}}, "realtime": False}
        self.backend = FrankaBackend(robot, HardwareConfig(backend="franka", options=options), time.monotonic)
        _until(self._connected)

    def _connected(self) -> bool:
        try:
            self.backend.connect()
        except ControlError:
            time.sleep(0.2)
            return False
        return True

    def clock_s(self) -> float:
        return float(self.backend._arms[0].robot.state.time.to_sec())

    def follow(self, path: Callable[[float], np.ndarray], seconds: float, opening: float) -> np.ndarray:
        """Streams a path of joint positions, one command per control period; measured minus commanded."""
        errors, began_s = [], self.clock_s()
        for at_s in np.arange(0.0, seconds, PERIOD_S):
            _until(lambda at_s=at_s: self.clock_s() - began_s >= at_s)
            dq = (path(at_s + PERIOD_S) - path(at_s)) / PERIOD_S
            self.backend.write(Motion(path(at_s), dq, np.array([opening])), time.monotonic())
            errors.append(self.backend._arms[0].q - path(at_s))
        return np.array(errors)

    def stream(self, chunk: np.ndarray) -> np.ndarray:
        """Streams end-effector actions (H, 7), one per tick, through controller and guard; the measured ones (H, 7)."""
        controller = RobotController(self.robot)
        controller.reset(self.backend._arms[0].q, np.array([self.backend._arms[0].hand.opening]))
        per_tick = round(self.robot.control_rate_hz / self.robot.tick_rate_hz)
        began_s, before, reached = self.clock_s(), controller.guard.position, []
        for tick, action in enumerate(chunk):
            controller.set_target(action, tick)
            for update in range(per_tick):
                due_s = (tick * per_tick + update) * PERIOD_S
                _until(lambda due_s=due_s: self.clock_s() - began_s >= due_s)
                command = controller.update(PERIOD_S)
                motion = Motion(command.q, (command.q - before) / PERIOD_S, command.grippers)
                self.backend.write(motion, time.monotonic())
                before = command.q
            q, opening = self.backend._arms[0].q, self.backend._arms[0].hand.opening
            reached.append(controller.kinematics.forward(q, np.array([opening])))
        return np.array(reached)

    def close(self) -> None:
        self.backend.close()
        self.server.kill()
        self.server.wait()


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    pytest.importorskip("franky", reason="pip install --no-deps -r requirements/hardware.txt")
    if not SIMULATOR:
        pytest.skip(
            "no franky-sim: pip install -r requirements/hardware-franka-sim.txt into a venv of its own and name its "
            "program in SEGUE_FRANKA_SIM"
        )
    cell = Cell(load_yaml(ROBOT_FILE.read_text(encoding="utf-8"), RobotConfig, str(ROBOT_FILE)))
    yield cell
    cell.close()


def test_an_arm_is_read_moved_streamed_stopped_and_lost(cell: Cell) -> None:
    """One story, because the simulator takes seconds to start."""
    measured = cell.backend.read(time.monotonic())
    assert measured is not None and measured.q.shape == (7,) and 0 <= measured.grippers[0] <= 1
    home = measured.q
    swing = np.array([0.1, 0.1, 0.0, 0.1, 0.0, 0.1, 0.2])

    def path(at_s: float) -> np.ndarray:
        return np.asarray(home + swing * (0.5 - 0.5 * np.cos(np.pi * min(at_s, 1.0))))

    errors = cell.follow(path, seconds=1.5, opening=0.1)
    assert np.abs(errors).max() < 0.08, "it follows"
    assert np.abs(errors[-1]).max() < 0.03, "it arrives"
    _until(lambda: cell.backend._arms[0].hand.opening < 0.3)
    assert cell.backend.fault() is None
    cell.backend.stop(time.monotonic())
    _until(lambda: not cell.backend._arms[0].robot.is_in_control)
    assert np.abs(cell.backend._arms[0].robot.state.dq).max() < 0.02
    here = RobotController(cell.robot).kinematics.forward(cell.backend._arms[0].q, np.ones(1))
    chunk = np.tile(here, (40, 1))
    chunk[:, 2] -= 0.04 * np.minimum(np.arange(40) / 25, 1.0)  # 4 cm down, hand open
    reached = cell.stream(chunk)
    assert np.abs(reached[-1, :3] - chunk[-1, :3]).max() < 0.01, "a policy's chunk, after a stop"
    _until(lambda: cell.backend._arms[0].hand.opening > 0.9)
    cell.backend.recover()
    cell.server.kill()
    _until(lambda: cell.backend.fault() is not None)
    fault = cell.backend.fault()
    assert fault is not None and fault.code is ErrorCode.CONTROL_HARDWARE and "franka arm 'arm'" in fault.text


def test_libfrankas_exceptions_say_what_to_do() -> None:
    error = franka_error("left", "NetworkException", "libfranka: Connection to FCI refused")
    assert error.code is ErrorCode.CONTROL_HARDWARE
    assert "franka arm 'left'" in error.text and "FCI activated in Desk" in error.text
    assert "joint_reflex" in franka_error("left", "ControlException", "aborted", ["joint_reflex"]).text
