"""The scheduler node: one command per control tick, chunks from the policy node, tasks for whoever asks."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, KeyValue
from numpy.typing import NDArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from std_msgs.msg import Bool, String
from unique_identifier_msgs.msg import UUID

from segue_core import wire
from segue_core.contracts.files import load_robot
from segue_core.durations import whole_ticks
from segue_core.errors import SegueError
from segue_core.scheduler_config import RunSettings
from segue_core.tick_gate import TickGate
from segue_interfaces.msg import (
    ActionChunk,
    Observation,
    Progress,
    RobotCommand,
    SafetyState,
    SchedulerInput,
    SchedulerState,
)
from segue_interfaces.msg import TaskState as TaskStateMsg
from segue_ros import conversions, parameters, qos, sole_sender, ticks
from segue_ros.lifecycle import run
from segue_ros.parameter_changes import Changes
from segue_ros.perception_status import Unseen
from segue_scheduler.node import messages, task_server
from segue_scheduler.node.diagnosis import diagnosis
from segue_scheduler.node.inbox import Mail
from segue_scheduler.node.policy_link import PolicyLink
from segue_scheduler.node.predict_client import PredictClient
from segue_scheduler.node.scheduler_base import SchedulerBase
from segue_scheduler.node.session import Session
from segue_scheduler.node.settings import SchedulerParameters, check
from segue_scheduler.node.watches import TickWatch
from segue_scheduler.tick import Phase, TickOutput
from segue_scheduler.wire import estimate_of, progress_fields

AUTHORITY = "segue/authority"
_LOOKS_PER_TICK = 4  # how often the clock is compared with the next tick
_BEHIND_TICKS = 2  # where time waits: how old the newest observation of a tick may be
_PATIENCE_NS = 400_000_000  # with an observation; less than the controller's with a command
_ANSWER_PATIENCE_NS = 600_000_000  # with an answer, at every tick
_POLICY_PATIENCE_S = 1.5  # with a policy whose process is silent, once its lease is over
_LOOK_S = 0.05  # how often a tick that waits looks whether patience is over


CHANGEABLE = (
    *RunSettings.model_fields,
    "lease_s",
    "lease_required",
    "state_timeout_s",
    "policy_timeout_s",
)
"""Parameters that may change between runs."""


class SchedulerNode(SchedulerBase):
    """Translates between the wire and `ChunkScheduler`. Holds at most one run."""

    def __init__(self) -> None:
        super().__init__("scheduler")

    def setup(self) -> None:
        """Read the contracts and connect."""
        self.given = parameters.declare(self, SchedulerParameters, CHANGEABLE)
        self.space = load_robot(self.given.robot_file).action_space
        check(self.given, self.space)
        self._changes = Changes(self, self.given, CHANGEABLE, self._why_unchangeable, self._take)
        self.watch = TickWatch()
        self._gate = TickGate(_PATIENCE_NS) if self.given.waits else None
        waits = self.given.waits and self.given.waits_for_answers
        self._answers = TickGate(_ANSWER_PATIENCE_NS, insists=True) if waits else None
        self.session = None
        self.policy = PolicyLink(
            self, self.given.policy_lease_s, _POLICY_PATIENCE_S if self.given.waits else 0.0
        )
        self.measured = None
        self.measured_at = -1
        self._seen = Observation()  # the newest
        self.human = False  # a person has the robot
        self.safety = SafetyState()
        self.unseen = Unseen()
        self._task_said = KeyValue()
        self._publish_to()
        self._listen_to()
        self._predict = PredictClient(self, self._on_chunk, self._on_failure)
        self._server = task_server.TaskServer(self)

    def _publish_to(self) -> None:
        publish = self.create_lifecycle_publisher
        self._command_out = publish(RobotCommand, "segue/command", qos.COMMAND)
        self._state_out = publish(SchedulerState, "segue/state", qos.STATE)
        self._input_out = publish(SchedulerInput, "segue/scheduler_input", qos.STATE)
        self._chunk_out = publish(ActionChunk, "segue/chunk", qos.STATE)
        self._progress_out = publish(Progress, "segue/progress", qos.STATE)
        self._task_out = publish(KeyValue, "segue/instruction", qos.LATCHED)
        self._diagnostics_out = publish(DiagnosticArray, "diagnostics", qos.STATE)

    def _listen_to(self) -> None:
        self.create_subscription(Observation, "segue/observation", self._on_observation, qos.OBSERVATION)
        self.create_subscription(TaskStateMsg, "segue/task_state", self._on_task_state, qos.STATE)
        self.create_subscription(Progress, "segue/progress_estimate", self._on_estimate, qos.STATE)
        self.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE)
        self.create_subscription(DiagnosticArray, "diagnostics", self.unseen.hear, qos.STATE)
        self.create_subscription(String, AUTHORITY, self._on_authority, qos.LATCHED)
        self.create_subscription(Bool, "sim/paused", self._on_paused, qos.LATCHED)
        self.create_subscription(UUID, "segue/lease", self._on_lease, qos.STATE)

    def start(self) -> None:
        """Begin to tick."""
        self._tick_timer = self.create_timer(1.0 / (_LOOKS_PER_TICK * self.space.rate_hz), self._on_time)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnosis_timer = self.create_timer(1.0, self._diagnose, clock=steady)
        self._wait_timer = self.create_timer(_LOOK_S, self._on_time, clock=steady) if self._gate else None

    def stop(self) -> None:
        """Stop ticking; a run ends with its goal aborted."""
        self._server.abandon()
        self.destroy_timer(self._tick_timer)
        self.destroy_timer(self._diagnosis_timer)
        if self._wait_timer:
            self.destroy_timer(self._wait_timer)

    def teardown(self) -> None:
        """Let go of the actions."""
        self._changes.close()
        self._server.destroy()
        self._predict.destroy()

    def _why_unchangeable(self, given: SchedulerParameters) -> str:
        """Why these parameters cannot be taken now; empty when they can."""
        check(given, self.space)
        return "a task is running; cancel it, or wait for its end" if self._server.busy else ""

    def _take(self, given: SchedulerParameters) -> None:
        self.given = given

    def _on_time(self) -> None:
        now_s, tick = time.monotonic(), self.tick
        if tick == self.watch.last or self._must_wait(tick, now_s):
            return
        if not self.watch.advance(tick, now_s) or self.watch.last is None:
            return
        self._say_task()
        if self.session and self.measured is not None and self.session.outcome is None:
            (self._rest if self.human else self._step)(self.session, self.watch.last, now_s)
        else:
            self._say_idle(self.watch.last)
        self._predict.give_up_all_but(self._awaited())

    def _say_task(self) -> None:
        """Whoever looks on is told the run that begins and what it is to do; nothing, when it is over."""
        session = self.session
        spec = session.spec if session and session.outcome is None else None
        told = KeyValue(key=spec.run_id, value=spec.instruction) if spec else KeyValue()
        if told != self._task_said:
            self._task_said = told
            self._task_out.publish(told)

    def _awaited(self) -> int | None:
        """Number of the request whose answer the run waits for."""
        session = self.session
        return session.last.unanswered if session and session.last and session.outcome is None else None

    def _must_wait(self, tick: int, now_s: float) -> bool:
        """Whether what a run needs is behind, or its policy silent: in a simulation time waits for them."""
        if self.session is None:
            return False
        if self._gate and self.policy.unsure(now_s):
            return True
        gates = [gate for gate in (self._gate, self._answers) if gate is not None]
        return not all(gate.is_open(tick, round(now_s * 1e9)) for gate in gates)

    def _step(self, session: Session, tick: int, now_s: float) -> None:
        if self.measured is None:
            return
        session.judge_policy(self.policy.fault(now_s))
        session.judge_silence(tick, now_s)
        try:
            mail, output = session.step(tick, self.measured, self.measured_at, now_s, self._pictures)
        except SegueError as error:
            self._server.abandon(error)
            return
        self._publish(session, mail, output)
        if output.request:
            first = session.scheduler.stats.requests == 1
            goal = conversions.goal_to_msg(
                output.request,
                kind=session.spec.config.ramp_kind,
                reset=first,
                instruction=session.spec.instruction,
                run_id=session.spec.run_id,
            )
            self._predict.ask(goal)
            if self._answers:
                self._answers.arrived(tick + max(0, output.request.delay - 1))
        self._server.ticked(session, output)

    def _pictures(self) -> Mapping[str, NDArray[np.uint8]]:
        return conversions.observation_from_msg(self._seen).images

    def _rest(self, session: Session, tick: int, now_s: float) -> None:
        """A person has the robot: say so, and command nothing."""
        if self.measured is None:
            return
        session.judge_silence(tick, now_s)
        try:
            output = session.rest(tick, self.measured, self.measured_at, now_s)
        except SegueError as error:
            self._server.abandon(error)
            return
        stamp, run_id = ticks.stamp_of(tick, self.space.rate_hz), session.spec.run_id
        name, stats = session.spec.config.continuation, session.scheduler.stats
        self._state_out.publish(messages.state_to_msg(output, stats, name, run_id, stamp))
        self._server.ticked(session, output)

    def _publish(self, session: Session, mail: Mail, output: TickOutput) -> None:
        stamp = ticks.stamp_of(output.tick, self.space.rate_hz)
        run_id, hold = session.spec.run_id, output.hold or session.outcome is not None
        command = wire.Command(output.tick, run_id, output.action, hold, output.starved, output.correction)
        self._command_out.publish(conversions.command_to_msg(command, self.space, stamp))
        self._input_out.publish(messages.input_to_msg(mail.inputs, mail.chunks, mail.task, run_id, stamp))
        name, stats = session.spec.config.continuation, session.scheduler.stats
        self._state_out.publish(messages.state_to_msg(output, stats, name, run_id, stamp))
        source = self.policy.info.name if self.policy.info else ""
        for fields in progress_fields(mail.inputs, output, source):
            self._progress_out.publish(conversions.build(Progress, stamp, fields))
        for note in output.notes:
            self.get_logger().warning(f"tick {output.tick}: {note}")

    def _say_idle(self, tick: int) -> None:
        message = SchedulerState(tick=tick, phase=str(Phase.IDLE), continuation=self.given.continuation)
        message.header.stamp = ticks.stamp_of(tick, self.space.rate_hz)
        self._state_out.publish(message)

    def _diagnose(self) -> None:
        if self.session and self.watch.last is not None:  # also while the simulated clock waits
            self.session.judge_silence(self.watch.last, time.monotonic())
        message = diagnosis(self.session, self.watch, self.policy.info)
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics_out.publish(message)

    def _on_observation(self, message: Observation) -> None:
        try:
            conversions.check_observation(message, self.space, self.get_clock().now().nanoseconds)
        except SegueError as error:
            self.get_logger().warning(f"observation dropped: {error}", throttle_duration_sec=1.0)
            return
        state = np.array(message.state, dtype=np.float64)
        anew = self.tick - whole_ticks(self.given.state_timeout_s, self.space.rate_hz)
        if message.tick >= self.measured_at or message.tick < anew:
            self.measured, self.measured_at, self._seen = state, int(message.tick), message
            if self._gate:
                self._gate.arrived(self.measured_at + _BEHIND_TICKS)
                self._on_time()

    def _on_task_state(self, message: TaskStateMsg) -> None:
        try:
            wire.task_state_of(message)
        except SegueError as error:
            self.get_logger().warning(f"task state dropped: {error}", throttle_duration_sec=1.0)
            return
        session = self.session
        if session and session.started_at is not None:
            tick = ticks.tick_of(ticks.nanoseconds(message.header.stamp), self.space.rate_hz)
            session.inbox.task = message if tick >= session.started_at else session.inbox.task

    def _on_estimate(self, message: Progress) -> None:
        """Of the run that is there; what is left of the one before is not."""
        session = self.session
        try:
            estimate = estimate_of(message)
        except SegueError as error:
            self.get_logger().warning(f"estimate dropped: {error}", throttle_duration_sec=1.0)
            return
        if session and session.started_at is not None and message.tick >= session.started_at:
            session.inbox.estimate = estimate

    def _on_safety(self, message: SafetyState) -> None:
        self.safety = message
        if self.session:
            self.session.judge_safety(bool(message.armed), int(message.error_code), message.error_text)

    def _on_authority(self, message: String, info: Mapping[str, Any]) -> None:
        self.human = message.data == "human"
        if self.session and self.human:
            self.session.authority = sole_sender.name_of(self, AUTHORITY, sole_sender.sender_of(info))

    def _on_paused(self, message: Bool) -> None:
        self.watch.stand(bool(message.data), time.monotonic())

    def _on_lease(self, message: UUID) -> None:
        self._server.renew(bytes(message.uuid), time.monotonic())

    def _on_chunk(self, message: ActionChunk) -> None:
        self._chunk_out.publish(message)
        if self.session:
            self.session.receive(message)
        if not message.partial:
            self._go_on()

    def _on_failure(self, text: str) -> None:
        if self.session:
            self.session.inbox.add_failure(text)
        self._go_on()

    def _go_on(self) -> None:
        if self._answers:
            self._answers.release()
            self._on_time()


def main() -> None:
    """Entry point of the executable `scheduler`."""
    sys.exit(run(SchedulerNode))
