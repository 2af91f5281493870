"""The teleoperation node: a device in, `/segue/command` out, and the episodes that a person records with it.

It commands like the scheduler does: one RobotCommand per tick under a run id of its own, owned from the moment that
the robot is armed, checked by the same guard. It is silent while nobody has taken the robot.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from segue_control.robot.kinematics import Kinematics
from segue_core import wire
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.task import TaskConfig
from segue_core.errors import SegueError
from segue_data.bags.recorded import executed_commands
from segue_data.node.teleop_base import TeleopBase
from segue_data.node.teleop_tasks import Tasks
from segue_data.teleop.config import TeleopConfig
from segue_data.teleop.driver import Driver
from segue_data.teleop.episodes import Episodes, SessionStage
from segue_data.teleop.inputs import Inputs
from segue_interfaces.msg import RobotCommand, SafetyState, SchedulerState, TaskState
from segue_ros import conversions, parameters, qos, sole_sender, ticks
from segue_ros.cell_services import Cell
from segue_ros.joint_states import JointStateReader
from segue_ros.lifecycle import run

_LOOKS_PER_TICK = 4
_STATUS_PERIOD_S = 0.5
# A safety state that says "disarmed" may be from before the robot was armed: for so long, or until one says "armed".
_OLD_NEWS_S, _UNHEARD_S = 0.3, 2.0
AUTHORITY = "segue/authority"


class TeleopParameters(StrictModel):
    """Parameters of the teleoperation node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    task_file: str = Field(default="", description="path of the task's YAML file; may be empty")
    teleop_file: str = Field(description="path of a file of config/teleop")
    device: str = Field(
        default="",
        description="device file (/dev/input/event5) or terminal (/dev/pts/3); empty: found by itself",
    )
    terminal: str = Field(default="", description="terminal whose keys start and end episodes; may be empty")
    root: str = Field(default="recordings", description="folder of the recorder, to number episodes on")
    episodes: int = Field(
        default=0, ge=0, le=100_000, description="good episodes wanted in the folder; 0: no end"
    )
    first_seed: int = Field(default=0, ge=0, description="seed of episode 0; the next has the next one")
    reset_service: str = Field(
        default="", description="service that resets the world; empty where people do that"
    )
    replay: str = Field(
        default="", description="bag that a replay plays; it begins by itself unless `confirm`"
    )
    confirm: bool = Field(default=False, description="a replay waits for the request to start")
    collect: bool = Field(default=True, description="record episodes; false beside a policy's run")


class TeleopNode(TeleopBase):
    """Node `teleop`; see README.md."""

    def __init__(self) -> None:
        super().__init__("teleop")

    def setup(self) -> None:
        """Open the device and connect."""
        given = parameters.declare(self, TeleopParameters)
        self._given = given
        self._robot = load_robot(given.robot_file)
        config = load_file(given.teleop_file, TeleopConfig, "teleoperation")
        task = load_file(given.task_file, TaskConfig, "task").name if given.task_file else ""
        self._kinematics = Kinematics(self._robot)
        self._reader = JointStateReader(self._robot)
        self.inputs = Inputs(config, self._robot, given.device, given.terminal)
        actions = executed_commands(Path(given.replay), self._robot) if config.device == "replay" else ()
        self.driver = Driver(config, self._robot, self._kinematics.forward, self.inputs.ranges, actions)
        self.succeeded = False
        self._begun = given.confirm
        self.episodes = Episodes(Path(given.root), given.episodes, given.first_seed)
        self.episodes.look()
        self.cell = Cell(self, given.reset_service)
        self.scheduler_phase = ""
        self.scheduler_s = 0.0
        self.taken_s, self._seen_armed = 0.0, False
        self._tick: int | None = None
        self._connect(config)
        self.tasks = Tasks(self, task, collect=given.collect)

    def _connect(self, config: TeleopConfig) -> None:
        self._command_out = self.create_lifecycle_publisher(RobotCommand, "segue/command", qos.COMMAND)
        self._authority_out = self.create_lifecycle_publisher(String, AUTHORITY, qos.LATCHED)
        self._status_out = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        self.create_subscription(JointState, "joint_states", self._on_joint_states, qos.SENSOR)
        self.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE)
        self.create_subscription(SchedulerState, "segue/state", self._on_scheduler, qos.STATE)
        self.create_subscription(TaskState, "segue/task_state", self._on_task, qos.STATE)
        if config.device == "leader":
            self.create_subscription(JointState, config.leader.topic, self._on_leader, qos.SENSOR)

    def start(self) -> None:
        """Begin to listen to the person."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(
            1.0 / (_LOOKS_PER_TICK * self._robot.tick_rate_hz), self._look, clock=steady
        )
        self._status_timer = self.create_timer(_STATUS_PERIOD_S, self.say, clock=steady)
        self.say()

    def stop(self) -> None:
        """Let go of the robot; the guard stops it."""
        self.driver.let_go()
        self.destroy_timer(self._timer)
        self.destroy_timer(self._status_timer)

    def teardown(self) -> None:
        """Put the terminal back."""
        self.inputs.close()

    @property
    def now_tick(self) -> int:
        """The tick of now."""
        return ticks.tick_of(self.get_clock().now().nanoseconds, self._robot.tick_rate_hz)

    def announce(self, who: str) -> None:
        """Tell everybody who commands from now on: "human" or "policy"."""
        self._authority_out.publish(String(data=who))

    def say(self) -> None:
        """Publish how the session stands, at once."""
        status = DiagnosticStatus(name="teleop: session", hardware_id=self._robot.name)
        status.level = DiagnosticStatus.ERROR if self.inputs.gone else DiagnosticStatus.OK
        status.message = self.inputs.gone or str(self.episodes.stage)
        told = {
            "stage": self.episodes.stage, "commanding": self.driver.run_id, "arm": self.driver.arm,
            "episode": self.episodes.name, "good": self.episodes.good, "wanted": self.episodes.wanted,
            "doubtful": self.episodes.doubtful, "note": self.tasks.note or self.episodes.note,
        }  # fmt: skip
        status.values = [KeyValue(key=key, value=str(value)) for key, value in told.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._status_out.publish(message)

    def _look(self) -> None:
        now_s = time.monotonic()
        for request in self.inputs.read(now_s, self.driver.event):
            self.tasks.request(request)
        if self.inputs.gone and self.driver.commanding:
            self.let_go(self.inputs.gone)  # no more commands: the guard stops the robot and latches
        self._replay()
        tick = self.now_tick
        if tick == self._tick or not self.driver.commanding:
            return
        self._tick = tick
        try:
            action = self.driver.action(now_s)
        except SegueError as error:
            self.let_go(str(error))
            return
        stamp = ticks.stamp_of(tick, self._robot.tick_rate_hz)
        command = wire.Command(tick, self.driver.run_id, action, hold=False, starved=False)
        self._command_out.publish(conversions.command_to_msg(command, self._robot.action_space, stamp))

    def _on_joint_states(self, message: JointState) -> None:
        if not self._reader.concerns(message):
            return
        try:
            sample = self._reader.read(message)
        except SegueError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        if sample is not None:
            self.driver.observe(sample.q, sample.grippers, time.monotonic())

    def _on_scheduler(self, message: SchedulerState) -> None:
        self.scheduler_phase, self.scheduler_s = message.phase, time.monotonic()

    def _on_safety(self, message: SafetyState) -> None:
        """Whoever disarmed or stopped the robot ended this person's turn, too: taking it again is a new request."""
        if self.episodes.stage is SessionStage.CLOSING:
            return
        self._seen_armed = self._seen_armed or bool(message.armed)
        limit_s = _OLD_NEWS_S if self._seen_armed else _UNHEARD_S
        if self.driver.commanding and not message.armed and time.monotonic() - self.taken_s > limit_s:
            self.let_go(message.error_text or "the robot was disarmed")

    def take(self) -> None:
        """Command from the next tick on; the robot is armed."""
        self.taken_s, self._seen_armed = time.monotonic(), False
        self.driver.take()

    def let_go(self, why: str) -> None:
        """Command no more, because of something that nobody asked for."""
        self.driver.let_go()
        self.announce("policy")
        self.tasks.lost(why)

    def _on_task(self, message: TaskState) -> None:
        self.succeeded = bool(message.success)

    def _replay(self) -> None:
        """A replay begins by itself once the robot is seen, and ends its one episode, or at once if it cannot begin."""
        playback, stage = self.driver.playback, self.episodes.stage
        if playback is None or self.tasks.busy:
            return
        if not self._begun and stage is SessionStage.READY and not self.driver.ready(time.monotonic()):
            self._begun = True
            self.tasks.request("start")
        elif (
            self._begun and stage is SessionStage.READY and not self._given.confirm
        ):  # nobody is there to try again
            self.episodes.stage = SessionStage.DONE
            self.say()
        elif playback.done and stage is SessionStage.RECORDING:
            self.episodes.wanted = self.episodes.number + 1
            self.tasks.request("success" if self.succeeded else "failure")

    def _on_leader(self, message: JointState, info: Mapping[str, Any]) -> None:
        now_s, sender = time.monotonic(), sole_sender.sender_of(info)
        try:
            self.driver.leader_at(list(message.name), list(message.position), now_s, sender)
        except SegueError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)


def main() -> None:
    """Entry point of the executable `teleop`."""
    sys.exit(run(TeleopNode))
