"""The server of segue/run_task: one goal at a time, from the reset of the world to the result."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rclpy.action.server import ServerGoalHandle

from segue_core.contracts.files import load_file
from segue_core.contracts.task import TaskConfig
from segue_core.durations import whole_ticks
from segue_core.errors import (
    ConfigError,
    ErrorCode,
    SchedulerError,
    SegueError,
    unknown_name,
)
from segue_core.latency import injected_latency
from segue_core.lease import Lease
from segue_interfaces.action import RunTask
from segue_ros import sole_sender
from segue_ros.cell_services import Cell
from segue_ros.rejections import TellingServer
from segue_ros.waiting import until
from segue_scheduler.node import policy_link, results
from segue_scheduler.node.scheduler_base import SchedulerBase
from segue_scheduler.node.session import RunSpec, Session
from segue_scheduler.node.settings import check_config, scheduler_config
from segue_scheduler.tick import Outcome, TickOutput

_FEEDBACK_EVERY = 3  # ticks
_SETTLE_TICKS = 2  # observations after a reset that may still show the world before it
_LONGEST_INSTRUCTION = 4000  # letters; every request carries it
_FOREVER_S = 7 * 86400.0
_PATIENCE_S = 10.0  # with the time, and with what is to be seen, before a run


class TaskServer:
    """Every goal ends in exactly one terminal state with a result that has an outcome and a reason."""

    def __init__(self, node: SchedulerBase) -> None:
        self._node = node
        self._cell = Cell(node, node.given.reset_service)
        self._goal_id: bytes | None = None
        self._handle: ServerGoalHandle | None = None
        self._abandoned: SegueError | None = None
        self._server = TellingServer(
            node,
            RunTask,
            "segue/run_task",
            self._execute,
            self._admit,
        )

    def destroy(self) -> None:
        """Stop serving."""
        self._server.destroy()

    def renew(self, goal_id: bytes, now_s: float) -> None:
        """The client of `goal_id` is there."""
        session = self._node.session
        if session and goal_id == self._goal_id:
            session.lease.renew(now_s)

    def abandon(self, error: SegueError | None = None) -> None:
        """End the run that is there, if any, because of `error`."""
        deactivated = SchedulerError(ErrorCode.TASK_CANCELLED, "the scheduler node was deactivated, or ended")
        self._abandoned = error or deactivated
        self._end_abandoned(self._node.session)

    def _end_abandoned(self, session: Session | None) -> None:
        if session and session.outcome is None and self._abandoned:
            session.outcome = Outcome(False, "fault", self._abandoned.carried, self._abandoned.code)

    def _refuse_abandoned(self) -> None:
        if self._abandoned:
            raise self._abandoned

    def ticked(self, session: Session, output: TickOutput) -> None:
        """A tick of the run is done: pass on a wish to cancel, and tell the client."""
        if self._handle is None:
            return
        session.inbox.stop_requested = bool(self._handle.is_cancel_requested)
        if output.tick % _FEEDBACK_EVERY == 0:
            self._handle.publish_feedback(results.feedback(session, output))

    @property
    def busy(self) -> bool:
        """Whether a goal is being worked on."""
        return self._goal_id is not None

    def _admit(self, goal: RunTask.Goal) -> None:
        """Raises SegueError at once for what can never be done."""
        if not self._node.is_active:
            text, do = (
                "the scheduler node is not active",
                "wait until it is, or activate it, then send the goal again",
            )
            raise SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, text, do=do)
        for name, value in (("seed", goal.seed), ("time_limit_s", goal.time_limit_s)):
            if not 0 <= value < float("inf"):
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, name, got=value, expected="0 or more")
        if len(goal.instruction) > _LONGEST_INSTRUCTION:
            got, expected = f"{len(goal.instruction)} letters", f"{_LONGEST_INSTRUCTION} or fewer"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "instruction", got=got, expected=expected)
        check_config(self._spec(goal).config, self._node.space)

    async def _execute(self, handle: ServerGoalHandle) -> RunTask.Result:
        if self.busy:
            handle.abort()
            there = (self._goal_id or b"").hex()[:8]
            return results.failure(
                SchedulerError(ErrorCode.TASK_BUSY, f"another task is running (goal {there})")
            )
        self._goal_id, self._handle, self._abandoned = bytes(handle.goal_id.uuid), handle, None
        try:
            result = await self._run(handle)
        except SegueError as error:
            self._node.get_logger().error(str(error))
            result = results.failure(error)
        finally:
            self._goal_id = self._handle = None
        _finish(handle, result)
        return result

    async def _run(self, handle: ServerGoalHandle) -> RunTask.Result:
        node, goal = self._node, handle.request
        session = await self._prepare(goal)
        episode = session.spec.run_id
        await self._hear_the_time()
        self._refuse_abandoned()
        await self._cell.reset(session.spec.seed)
        await self._see_the_world_anew()
        note = (
            await self._cell.start_recording(episode, session.spec.task, session.spec.seed)
            if goal.record
            else ""
        )
        failure = await self._drive(session)
        node.session = None
        result = results.result(session, node.watch, node.space.rate_hz, handle.is_cancel_requested, note)
        closed = await self._cell.stop_recording(result.success, result.outcome)
        if failure is not None:
            raise failure
        result.bag_path = self._cell.bag_path
        if self._cell.doubts and not result.bag_path:
            closed = f"recording deleted, as keep_doubtful is false: {self._cell.doubts}"
        result.reason += f" ({closed})" if closed else ""
        safety = node.safety
        if safety.error_code and safety.error_text not in result.reason:
            result.reason += f" (while it came to rest: [{safety.error_code}] {safety.error_text})"
        return result

    async def _drive(self, session: Session) -> SegueError | None:
        """Have the robot for as long as the run lasts; why it has no outcome, if it has none."""
        node = self._node
        try:
            await self._see_the_present()
            await self._cell.arm(True)
            node.watch.restart()
            session.lease = self._lease()
            node.human = False  # whoever had the robot lost it when it was disarmed
            node.session = session
            self._end_abandoned(session)
            await until(node, lambda: session.outcome is not None, _FOREVER_S)
            if (
                session.outcome and session.outcome.code is ErrorCode.TASK_LEASE_EXPIRED
            ):  # nobody hears the result
                node.get_logger().warning(f"the task is ended: {session.outcome.reason}")
            await self._cell.arm(False)
        except SegueError as error:
            if not (session.outcome and session.outcome.code):
                return error
            node.get_logger().error(str(error))  # a consequence: the result is what ended the run
        return None

    async def _prepare(self, goal: RunTask.Goal) -> Session:
        """Check everything that can be refused before anything moves."""
        node = self._node
        spec = self._spec(goal)
        await sole_sender.until_alone(node)
        policy = node.policy
        await until(node, self._policy_told, node.given.policy_timeout_s)
        self._refuse_abandoned()
        await sole_sender.until_alone(node, policy_link.TOPIC, dead=lambda: policy.dead)
        info = policy.begin()
        config = spec.config.model_copy(update={"horizon": info.horizon})
        return Session(
            replace(spec, config=config),
            node.space,
            info,
            self._lease(),
            node.given.state_timeout_s,
            node.unseen,
            node.given.waits,
        )

    def _policy_told(self) -> bool:
        policy = self._node.policy
        return policy.is_there or policy.refusal is not None or self._abandoned is not None

    def _spec(self, goal: RunTask.Goal) -> RunSpec:
        given = self._node.given
        for kind, wanted, have in (("task", goal.task, given.task), ("policy", goal.policy, given.policy)):
            if wanted and wanted != have:
                raise unknown_name(kind, wanted, [have])
        task = load_file(given.task_file, TaskConfig, "task") if given.task_file else None
        limit = goal.time_limit_s or given.time_limit_s or (task.time_limit_s if task else 60.0)
        config = scheduler_config(given, goal.continuation, limit)
        latency = injected_latency(given.latency, int(goal.seed))
        run_id = f"{given.task}-{goal.seed}-{(self._goal_id or b'').hex()[:8]}"
        return RunSpec(
            run_id,
            given.task,
            goal.instruction or (task.instruction if task else ""),
            goal.seed,
            config,
            latency,
        )

    async def _see_the_world_anew(self) -> None:
        """Wait for an observation of the world after its reset."""
        since = self._node.tick + _SETTLE_TICKS
        await self._see(
            lambda: self._node.measured_at >= since, "no observation of the robot came within 10 s"
        )

    async def _hear_the_time(self) -> None:
        """Without it no tick would ever come, and nothing would end the run."""
        node = self._node
        node.one_clock.refuse_rival()
        if not await until(node, lambda: node.get_clock().now().nanoseconds > 0, _PATIENCE_S):
            topic = node.resolve_topic_name("/clock")
            raise ConfigError(
                ErrorCode.ENVIRONMENT_INCOMPLETE,
                "the scheduler hears no simulated time",
                got=f"nothing on {topic} for {_PATIENCE_S:g} s",
                do=f"start the graph again; if it stays so, see who publishes {topic} and on which ROS domain",
            )

    async def _see_the_present(self) -> None:
        """Wait until observations are up to date: on a busy machine they fall behind while everything starts."""
        node = self._node
        allowed = max(_SETTLE_TICKS, whole_ticks(node.given.state_timeout_s / 3.0, node.space.rate_hz))
        text = f"observations are more than {allowed} ticks behind for 10 s: this machine is too busy to see the robot"
        await self._see(lambda: node.tick - node.measured_at <= allowed, text)

    async def _see(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not await until(self._node, condition, _PATIENCE_S):
            raise self._node.unseen.because(otherwise)

    def _lease(self) -> Lease:
        given = self._node.given
        return Lease(given.lease_s, given.lease_required, time.monotonic())


def _finish(handle: ServerGoalHandle, result: Any) -> None:
    """The one terminal state of a goal."""
    if result.outcome == "cancelled" and handle.is_cancel_requested:
        handle.canceled()
    elif result.error_code:
        handle.abort()
    else:
        handle.succeed()
