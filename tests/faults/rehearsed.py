"""A standing graph whose robot is hardware to it: a rehearsal robot in a process of its own, behind `sim:=none`.

Its time is the wall's, and waits for nobody. All its processes therefore come before everything else on the machine,
and the contract's time-outs are longer; where that priority is not allowed, nothing can be said.
"""

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from diagnostic_msgs.msg import KeyValue

from segue_bringup.catalogue import config_root
from segue_core.contracts.files import load_robot
from segue_interfaces.srv import Recover
from segue_ros import qos

from .hands import MOVING_RAD_S, TASKS
from .live import Live, module
from .rogue_robot import TOLD, TRUTH, Mischief, Wrong

PATIENT = {"command_timeout_s": 1.0, "state_timeout_s": 0.5, "robot_timeout_s": 0.25}
ROBOT = "robot"
_TRIES = 5
_CALM_S = 0.6  # longer than a jump of the joints is remembered
_LEAVES_RAD = 0.15  # half of what swaying turns a joint by


def film(path: Path) -> Path:
    """Half a second of pictures, each brighter than the one before it."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 60.0, (256, 192))
    for brightness in range(0, 240, 8):
        writer.write(np.full((192, 256, 3), brightness, np.uint8))
    writer.release()
    return path


def _written(path: Path, content: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


class Rehearsed(Live):
    """Have the robot do wrong with `have`. The witness hears where the joints truly are."""

    def __init__(self, folder: Path, robot: str = "franka") -> None:
        super().__init__(folder, robot)
        folder.mkdir(parents=True, exist_ok=True)
        self._joints = TRUTH
        self._contract = _contract(folder, robot)
        settings = {"driver": "usb", "options": {"device": str(film(folder / "film.avi"))}}
        patient = load_robot(self._contract)
        self._given |= {
            "robot": self._contract,
            "sim": "none",
            "hardware": _hardware(folder, self._contract),
            "camera_set": _written(
                folder / "cameras.yaml", {"cameras": dict.fromkeys(patient.cameras, settings)}
            ),
        }
        self.urgent()

    def open(self, stack: ExitStack) -> None:
        """Start robot and graph, and join them."""
        super().open(stack)
        self.witness.config = load_robot(self._contract)
        self._services["segue/hardware/recover"] = self.node.create_client(Recover, "segue/hardware/recover")
        self._told = self.node.create_publisher(KeyValue, TOLD, qos.LATCHED)

    def start_nodes(self) -> None:
        """The robot first."""
        task = config_root() / "tasks" / f"{TASKS[self.robot]}.yaml"
        words = ["--ros-args", "-p", f"robot_file:={self._contract}", "-p", f"task_file:={task}"]
        self.start_beside(ROBOT, [*module("rogue_robot"), *words])
        super().start_nodes()

    @property
    def _expected(self) -> set[str]:
        return {*super()._expected, ROBOT}

    def have(self, wrong: Wrong, value: float = 0.0) -> float:
        """From now on; the moment on the robot's clock at which it began to."""
        said = re.compile(rf"from now on {wrong.value}, at ([0-9.]+)")
        before = len(said.findall(self.log(ROBOT)))
        self._told.publish(KeyValue(value=Mischief(wrong, value).to_json()))
        self.until(lambda: len(said.findall(self.log(ROBOT))) > before, f"the robot is {wrong.value}")
        return float(said.findall(self.log(ROBOT))[-1])

    def heal(self) -> None:
        """It does as it should."""
        self.have(Wrong.NOTHING)

    def recover(self) -> Any:
        """The answer of segue/recover, after the robot's own: the robot comes first."""
        self.call("segue/hardware/recover", Recover.Request())
        return super().recover()

    def moving(self) -> str:
        """Have the arm in full motion; else why this machine is too late for it, several times in a row."""
        for _ in range(_TRIES):
            self.end()
            self.until(lambda: bool(self.recover().success), "nothing is commanded")
            self.have(Wrong.PUT_BACK)  # nobody else does, and swaying ends in the middle
            self.pass_s(_CALM_S)
            self.forget()
            self.until(lambda: bool(self.recover().success), "robot and guard recover")
            self.send()
            self.until(self._moves_or_is_over, "the arm moves")
            if not self.task.over:
                return ""
        return str(self.task.result.error_text)

    @staticmethod
    def at(steady_s: float) -> float:
        """The robot's clock, which is the wall's, when the steady clock showed `steady_s`."""
        return time.time() - time.monotonic() + steady_s

    def _moves_or_is_over(self) -> bool:
        return self.task.over or (self.witness.armed and self.witness.speed > MOVING_RAD_S)


def _contract(folder: Path, robot: str) -> str:
    """The shipped contract with more patience, and one camera."""
    contract = yaml.safe_load((config_root() / "robots" / f"{robot}.yaml").read_text(encoding="utf-8"))
    name, camera = next(iter(contract["cameras"].items()))
    return _written(folder / f"{robot}.yaml", {**contract, "cameras": {name: camera}, "safety": PATIENT})


def _hardware(folder: Path, contract: str) -> str:
    """How the rehearsal robot of a contract is reached."""
    robot = load_robot(contract)
    grippers = {
        name: {
            "joint": f"{arm.name}_finger",
            "closed": 0.0,
            "open": arm.gripper.open_m,
            "command": {"kind": "array", "topic": f"{arm.name}_gripper_controller/commands"},
        }
        for name, arm in zip(robot.gripper_names, robot.arms, strict=True)
    }
    options = {
        "states": [{"topic": "joint_state_broadcaster/joint_states"}],
        "grippers": grippers,
        "commands": [{"kind": "joint_trajectory", "topic": "arm_controller/joint_trajectory"}],
    }
    settings = {"backend": "ros2_control", "connect_timeout_s": 60.0, "max_deviation_rad": _LEAVES_RAD}
    settings["options"] = options
    return _written(folder / "hardware.yaml", settings)
