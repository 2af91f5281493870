"""Laws of the teleoperation node beside the real controller and the real recorder; keys come from a pseudo terminal.

The robot is a stand-in that is where the controller last commanded it to be. It owns the time, which waits for
the controller, and its contract is patient: a slow machine is no fault of the robot.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from own_domain import own_domain

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("segue_interfaces.srv", reason="needs the built workspace")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.client import Client  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402

from segue_data.bags import manifest  # noqa: E402
from segue_data.bags.reader import read  # noqa: E402
from segue_data.contracts import config_folder, load_robot  # noqa: E402
from segue_interfaces.msg import RobotCommand, SafetyState  # noqa: E402
from segue_interfaces.srv import Arm  # noqa: E402
from segue_ros import qos, ticks  # noqa: E402

NODES = {
    "controller": "segue_control.node.controller_node",
    "recorder": "segue_data.node.recorder_node",
    "teleop": "segue_data.node.teleop_node",
}
PERIOD_S, STEP_NS = 0.01, 5_000_000  # half as fast as real time, so that the nodes keep up
LEAD_NS = 60_000_000  # the time is ahead of the controller by so much at most; that stops the robot when 100 ms late
PATIENCE_S = 60.0
PATIENT = {"command_timeout_s": 5.0, "state_timeout_s": 5.0}


class Cell:
    """The processes, the stand-in of the robot, and this person's keys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ours, self._theirs = pty.openpty()
        robot = load_robot("dual_arm")
        self._joints = JointState(name=[*robot.joint_names, *robot.gripper_names])
        self._joints.position = [*(q for arm in robot.arms for q in arm.home_rad), 1.0, 1.0]
        config, robot_file = config_folder(), root.parent / "dual_arm.yaml"
        contract = yaml.safe_load((config / "robots" / "dual_arm.yaml").read_text())
        robot_file.write_text(yaml.safe_dump({**contract, "safety": {**contract["safety"], **PATIENT}}))
        parameters = {
            "controller": {},
            "recorder": {"root": root, "operator": "Ada", "task_file": config / "tasks" / "pick_place.yaml"},
            "teleop": {
                "root": root, "teleop_file": config / "teleop" / "keyboard.yaml", "first_seed": 40,
                "terminal": os.ttyname(self._theirs), "task_file": config / "tasks" / "pick_place.yaml",
            },
        }  # fmt: skip
        for name, values in parameters.items():
            self._start(name, {**values, "robot_file": robot_file, "use_sim_time": "true"})
        self.node = Node("robot_stand_in")
        self.told: dict[str, str] = {}
        self.commands: list[RobotCommand] = []
        self.authority = ""
        self._now_ns = self._followed_ns = 10**10
        self._clock = self.node.create_publisher(Clock, "/clock", 10)
        self._out = self.node.create_publisher(JointState, "/joint_states", qos.JOINT_SOURCE)
        self.node.create_timer(PERIOD_S, self._publish)
        self.node.create_subscription(JointTrajectory, "/joint_command", self._follow, qos.SENSOR)
        self.node.create_subscription(SafetyState, "/segue/safety", self._on_safety, qos.STATE)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._listen, 50)
        self.node.create_subscription(RobotCommand, "/segue/command", self.commands.append, 50)
        self.node.create_subscription(String, "/segue/authority", self._on_authority, qos.LATCHED)

    def _start(self, name: str, values: dict[str, object]) -> None:
        code = f"import sys; sys.argv[0] = {name!r}; from {NODES[name]} import main; main()"
        options = [word for key, value in values.items() for word in ("-p", f"{key}:={value}")]
        command = [sys.executable, "-c", code, "--ros-args", *options]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.processes[name] = subprocess.Popen(command, env=environment)

    def _publish(self) -> None:
        if self._now_ns < self._followed_ns + LEAD_NS:
            self._now_ns += STEP_NS
        stamp = ticks.stamp(self._now_ns)
        self._clock.publish(Clock(clock=stamp))
        self._joints.header.stamp = stamp
        self._out.publish(self._joints)

    def _follow(self, message: JointTrajectory) -> None:
        self._joints.position = list(message.points[0].positions)
        self._followed_ns = max(self._followed_ns, ticks.nanoseconds(message.header.stamp))

    def _on_safety(self, message: SafetyState) -> None:
        self._followed_ns = max(self._followed_ns, ticks.nanoseconds(message.header.stamp))

    def _on_authority(self, message: String) -> None:
        self.authority = message.data

    def _listen(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "teleop: session":
                self.told = {pair.key: pair.value for pair in status.values}

    def hear_robot(self) -> None:
        """Wait until the controller hears the robot: until then it refuses to be armed."""
        self._arming: Client[Any, Any] = self.node.create_client(Arm, "/segue/arm")
        self.until(lambda: self._ask_to_arm(True), "the controller does not hear the robot")
        self.until(lambda: self._ask_to_arm(False), "the controller stays armed")

    def _ask_to_arm(self, arm: bool) -> bool:
        answer = self._arming.call_async(Arm.Request(arm=arm))
        rclpy.spin_until_future_complete(self.node, answer, timeout_sec=2.0)
        response = answer.result() if answer.done() else None
        return response is not None and bool(response.success)

    @property
    def tick(self) -> int:
        """The tick of now."""
        return ticks.tick_of(self._now_ns, 30.0)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def hold(self, key: str, condition: Callable[[], bool], what: str) -> None:
        """Hold a key down, which then repeats itself, until something is so."""

        def repeated() -> bool:
            self.press(key)
            return condition()

        self.until(repeated, what)

    def record(self) -> None:
        """Begin an episode. Who is not heard yet by a node in need of it has that wish refused: then again."""
        end = time.monotonic() + PATIENCE_S
        self.stage("ready")
        while self.told["stage"] != "recording":
            assert time.monotonic() < end, f"no episode begins; the session says {self.told}"
            self.press("\n")
            self.stage("starting")
            self.until(lambda: self.told["stage"] in ("recording", "ready"), "neither begun nor refused")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"{what}; the session says {self.told}"
            rclpy.spin_once(self.node, timeout_sec=0.02)

    def stage(self, wanted: str) -> None:
        self.until(lambda: self.told.get("stage") == wanted, f"the session is not {wanted}")

    def close(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            process.wait(PATIENCE_S)
        self.node.destroy_node()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(own_domain()))
        rclpy.init()
        running = Cell(tmp_path_factory.mktemp("episodes"))
        running.hear_robot()
        yield running
        running.close()
        rclpy.shutdown()


def test_keys_record_an_episode_through_the_guard_and_number_it(cell: Cell) -> None:
    cell.record()
    seen = len(cell.commands)
    assert cell.authority == "human"
    cell.until(lambda: len(cell.commands) > seen + 5, "no commands")
    start = list(cell.commands[-1].action)
    cell.hold("q", lambda: cell.commands[-1].action[2] > start[2] + 0.02, "the tool does not go up")
    cell.press("y")
    cell.until(lambda: cell.told.get("episode") == "episode_000001", "the episode does not close")
    facts = manifest.load(cell.root / "episode_000000")
    assert (facts.outcome, facts.operator, facts.seed, facts.task) == ("success", "Ada", 40, "pick_place")
    assert any("no frames of this camera" in text for text in facts.problems)  # there are no cameras here
    records = [r.message() for r in read(cell.root / "episode_000000", frozenset({"/segue/command"}))]
    numbers = [message.tick for message in records]
    assert len(numbers) > 5 and numbers == sorted(set(numbers))
    assert {message.run_id for message in records} == {"teleop-keyboard-1"}
    assert cell.authority == "policy"


def test_an_episode_that_is_recorded_again_replaces_the_one_before(cell: Cell) -> None:
    cell.record()
    cell.press("r")
    cell.stage("starting")
    cell.stage("recording")
    cell.press("x")
    cell.stage("ready")
    assert cell.told["episode"] == "episode_000001"
    assert sorted(path.name for path in cell.root.iterdir()) == ["episode_000000"]


def test_an_emergency_stop_ends_the_turn_and_asks_for_a_recovery(cell: Cell) -> None:
    cell.record()
    cell.press("\x1b")
    cell.until(lambda: cell.told.get("commanding") == "", "still commanding")
    cell.press("n")
    cell.stage("ready")
    cell.press("\n")
    cell.until(
        lambda: "307" in cell.told.get("note", "") or "stop" in cell.told.get("note", ""), "armed anyway"
    )
    cell.stage("ready")
    cell.press("c")
    cell.until(lambda: "recovered" in cell.told.get("note", ""), "not recovered")
    cell.record()
    cell.press("x")
    cell.stage("ready")


def test_when_the_teleoperation_is_killed_nobody_commands_and_the_episode_is_kept_as_aborted(
    cell: Cell,
) -> None:
    cell.record()
    name = cell.told["episode"]
    cell.processes["teleop"].send_signal(signal.SIGKILL)
    cell.processes["teleop"].wait(PATIENCE_S)
    killed_tick = cell.tick
    cell.processes["recorder"].send_signal(signal.SIGINT)
    cell.until(lambda: cell.processes["recorder"].poll() is not None, "the recorder does not end")
    cell.until(lambda: cell.tick > killed_tick + 15, "time stands still")
    assert max(command.tick for command in cell.commands) <= killed_tick
    assert manifest.load(cell.root / name).outcome == "aborted"
