"""One episode: start the graph, wait until it is ready, have it do the task, stop the arm, stop the graph."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from segue_bringup.resolution import Plan
from segue_bringup.run.client import TaskClient
from segue_bringup.run.display import Display, Shown
from segue_bringup.run.folder import RunFolder
from segue_bringup.run.interrupts import Interrupts
from segue_bringup.run.readiness import Readiness, same_names
from segue_bringup.run.standing_world import StandingWorld, standing
from segue_bringup.run.standstill import Guard, Standstill
from segue_bringup.supervision import urgency
from segue_bringup.supervision.commands import (
    make_fork_server,
    node_command,
    node_environment,
    write_parameters,
)
from segue_bringup.supervision.forked import ForkServer
from segue_bringup.supervision.instance import acquire_domain
from segue_bringup.supervision.logs import LogFollower
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_core.errors import ConfigError, ErrorCode
from segue_interfaces.msg import SchedulerState, TaskState
from segue_ros.sole_sender import PATIENCE_S

_SPIN_S = 0.05
STOP_ARM_S = 6.0  # patience with a cancelled task, and as long again with a guard that has not let go
_ASK_GUARD_S = 3.0  # then the guard is asked directly: the scheduler may be what fails
_REST_S = 3.0  # patience with an arm that brakes
_LOOK_AROUND_S = 1.0  # discovery of nodes that are already on a domain that others may know
_SERVER_S = 10.0


def _domain_may_be_shared(environment: Mapping[str, str]) -> bool:
    """Whether nodes of others may be on the domain: a person chose it, or it reaches beyond this machine."""
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    apart = reach in ("LOCALHOST", "OFF") and not environment.get("ROS_STATIC_PEERS")
    return bool(environment.get("ROS_DOMAIN_ID")) or not apart


class Ending(Enum):
    """Why the wait for the result was over."""

    RESULT = "result"
    INTERRUPTED = "interrupted"
    READER_GONE = "reader_gone"
    TIMEOUT = "timeout"


def why(interrupts: Interrupts) -> Ending:
    """Why a wait was over that did not come to its end."""
    if interrupts.signalled:
        return Ending.INTERRUPTED
    return Ending.READER_GONE if interrupts.reader_gone else Ending.TIMEOUT


@dataclass
class Episode:
    """What `segue run` does between its checks and its report. Use once, from the main thread.

    Args:
        timeout_s: wall time for everything, from here to the result; None for no limit.
        server: what starts the nodes, if it was made before; it is not closed here.
    """

    plan: Plan
    folder: RunFolder
    shown: Shown
    display: Display
    interrupts: Interrupts
    timeout_s: float | None = None
    server: ForkServer | None = field(default=None, kw_only=True)

    def run(self, goal: Any) -> tuple[Ending, Any]:
        """Do the task.

        Raises:
            ConfigError: the domain is taken, a node did not start or ended, or the graph was not ready in time.
        """
        self._deadline = time.monotonic() + self.timeout_s if self.timeout_s else float("inf")
        with ExitStack() as stack:
            self._connect(stack)
            server = self.server or stack.enter_context(make_fork_server(self.plan))
            self._supervisor = stack.enter_context(Supervisor(self.display.say, server=server))
            stack.callback(self._headline, "stopping the graph")
            try:
                self._start_nodes()
                ending = self._do(goal)
            finally:  # whatever it was
                self._let_rest()
            return ending, self._client.result

    def _connect(self, stack: ExitStack) -> None:
        shared = _domain_may_be_shared(os.environ)
        lock = acquire_domain(os.environ, self.plan.namespace)
        stack.callback(lock.release)
        os.environ["ROS_DOMAIN_ID"] = str(lock.domain)
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        for name, value in self.plan.nodes[0].environment.items():
            os.environ.setdefault(name, value)
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        self._node = rclpy.create_node(f"segue_run_{os.getpid()}", namespace=f"/{self.plan.namespace}")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(SchedulerState, "segue/state", self._on_state, 10)
        self._node.create_subscription(TaskState, "segue/task_state", self._on_task, 10)
        self._world = StandingWorld(self._node, self.plan, lambda: self._supervisor.pids)
        self._client = self.make_client(self._node)
        if shared:
            self._refuse_doubles(lock.domain)

    def _refuse_doubles(self, domain: int) -> None:
        there = self._there_after(_LOOK_AROUND_S, lambda: False)
        if there:
            self._headline(f"waiting for {', '.join(there)} of another graph to end")
            there = self._there_after(PATIENCE_S, lambda: not same_names(self._node, self.plan.nodes))
        if there:
            text = f"nodes called {', '.join(there)} already run on ROS domain {domain}"
            raise ConfigError(ErrorCode.ADDRESS_IN_USE, text, do="stop them, or choose another ROS_DOMAIN_ID")

    def _there_after(self, seconds: float, enough: Callable[[], bool]) -> list[str]:
        """Names of this graph that are taken, after so long or as soon as it is enough."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not enough() and not self.interrupts.count:
            self._executor.spin_once(timeout_sec=_SPIN_S)
        return same_names(self._node, self.plan.nodes)

    def _start_nodes(self) -> None:
        self._headline("starting the graph")
        if any(node.urgent for node in self.plan.nodes) and (why := urgency.why_not()):
            self.display.say(why)
        self._logs = LogFollower()
        for node in standing(self.plan).nodes:
            command = node_command(node, write_parameters(node, self.folder.parameters))
            environment = node_environment(node, os.environ)
            log = self.folder.log(node.name)
            job = Job(
                node.name, command, environment, log, node.required, node.respawn, node.nice, node.urgent,
                node.ends_last,
            )  # fmt: skip
            self._logs.add(job.log)
            self._supervisor.start(job)

    def make_client(self, node: Node) -> TaskClient:
        """The client of what is to be done."""
        return TaskClient(node)

    def show_feedback(self, told: Any) -> None:
        """Put the newest feedback on the display."""
        self.shown.progress, self.shown.score = told.progress, told.score
        self.shown.overlap_rmse = told.overlap_rmse

    def _do(self, goal: Any) -> Ending:
        if not self._begun():
            return self._why()
        self._headline("running")
        self._client.send(goal)
        done = False
        try:
            done = self._wait(lambda: self._client.over)
        finally:  # whatever it was
            if not done:
                self._stop_arm()
        return self._result() if done else self._why()

    def _begun(self) -> bool:
        """Wait until all nodes are ready and the world's time passes; False when interrupted or out of time."""
        readiness = Readiness(self._node, self.plan.nodes, lambda: self._supervisor.pids)
        return self._wait(lambda: self._all_ready(readiness)) and self._wait(self._world.passes)

    def _all_ready(self, readiness: Readiness) -> bool:
        pending = readiness.pending()
        self.shown.headline = (
            f"waiting for {', '.join(pending)}" if pending else "waiting for the action server"
        )
        return not pending and self._client.available()

    def _result(self) -> Ending:
        if self._client.refused:
            self._show()
            raise self._client.why_refused()
        return Ending.RESULT

    def _stop_arm(self) -> None:
        """The arm before the graph: cancel the goal and wait for its controlled stop, however often it is asked for."""
        self._client.cancel()
        self._headline("stopping the arm")
        guard, began_s = Guard(self._node), time.monotonic()
        while not self._client.over:
            waited_s = time.monotonic() - began_s
            if waited_s > (2 * STOP_ARM_S if guard.armed else STOP_ARM_S):
                break
            if waited_s > _ASK_GUARD_S:
                guard.disarm()
            self._executor.spin_once(timeout_sec=_SPIN_S)
            self._show()

    def _let_rest(self) -> None:
        """The graph stays until the joints stand still: a result tells that a stop has begun, not that it is over."""
        if self._world.stands:
            return
        standstill, end_s = Standstill(self._node, self.plan), time.monotonic() + _REST_S
        while not standstill.reached() and time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=_SPIN_S)

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Spin until `condition`; False when interrupted or out of time."""
        while not condition():
            if self.interrupts.count or time.monotonic() > self._deadline:
                return False
            self._executor.spin_once(timeout_sec=_SPIN_S)
            self._supervisor.poll()
            self._show()
        return True

    def _why(self) -> Ending:
        return why(self.interrupts)

    def _show(self) -> None:
        for name, line in self._logs.new_lines():
            self.display.say(f"{name}: {line}")
        told = self._client.feedback
        if told:
            self.show_feedback(told)
        self.display.update()

    def _headline(self, text: str) -> None:
        self.shown.headline = text
        self.display.update()

    def _on_state(self, message: SchedulerState) -> None:
        now = self.shown
        now.ticked(time.monotonic(), message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)
        now.phase, now.tick, now.starved = message.phase, message.tick, message.starved_ticks
        if message.spliced:
            now.chunks, now.delay_ticks = now.chunks + 1, message.delay_ticks

    def _on_task(self, message: TaskState) -> None:
        self.shown.task = message.text
