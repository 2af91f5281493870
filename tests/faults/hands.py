"""Hands that use a running graph as a person or a program would, beside a witness of its wire."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from std_srvs.srv import SetBool
from typing_extensions import Self

from segue_bringup.run.client import TaskClient
from segue_interfaces.action import RunTask
from segue_interfaces.srv import Arm, EmergencyStop, Recover, ResetWorld

from .witness import REST_RAD_S, Witness, rest_bound_s

PATIENCE_S = 120.0  # with what takes seconds on a machine that has nothing else to do
MOVING_RAD_S = 0.15
TASKS = {"dual_arm": "pick_place", "fetch": "open_fridge", "franka": "push_button", "jaco2": "place_block"}
EACH_ROBOT = pytest.mark.parametrize(
    "robot",
    ["franka", *(pytest.param(name, marks=pytest.mark.thorough) for name in TASKS if name != "franka")],
    scope="session",  # all tests of one robot in a row, on one standing graph where they share one
)
"""Every robot; every day one."""


class Hands:
    """A context: a node on the ROS domain of a graph, spun by a thread of its own. Times of `Witness` apply.

    Args:
        joints: topic where the witness hears the joints.
    """

    def __init__(self, domain: int, robot: str, joints: str = "joint_states") -> None:
        self.domain, self.robot, self._joints = domain, robot, joints
        self._asked = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, stack: ExitStack) -> None:
        """Join the graph; what is to be undone goes on the stack."""
        context = Context()
        rclpy.init(context=context, domain_id=self.domain)
        self.node = rclpy.create_node(f"hands_{os.getpid()}", context=context)
        self.witness = Witness(self.node, self.robot, self._joints)
        self._clients: list[TaskClient] = []
        self.task = self.client()
        self._services: dict[str, Any] = {
            name: self.node.create_client(kind, name)
            for name, kind in (
                ("segue/arm", Arm), ("segue/recover", Recover), ("segue/emergency_stop", EmergencyStop),
                ("sim/reset", ResetWorld), ("sim/pause", SetBool),
            )
        }  # fmt: skip
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(self.node)
        thread = Thread(target=_spin, args=(executor,), daemon=True)
        thread.start()
        stack.callback(thread.join, 10.0)
        stack.callback(context.try_shutdown)

    def client(self, action: Any = RunTask, name: str = "segue/run_task") -> TaskClient:
        """Another client. It is kept: one that is collected as garbage would break the executor in its thread.

        It renews no lease, and is not held to one: on a busy machine this process is late by more than a second, and
        the run would end for that. Row 22 has clients that do.
        """
        self._clients.append(TaskClient(self.node, action, name, renews=False))
        return self._clients[-1]

    def logs(self) -> str:
        """What the graph printed, for the text of a failed assertion."""
        return ""

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = PATIENCE_S) -> None:
        """Wait for what must come true; a failed assertion says what did not, with the logs."""
        end = time.monotonic() + limit_s
        while not (true := condition()) and time.monotonic() < end:
            time.sleep(0.02)
        assert true, f"not within {limit_s:g} s: {what}\n{self.logs()}"

    def call(self, name: str, request: Any, limit_s: float = 30.0) -> Any:
        """The answer of a service of the graph, asked again each second since an early answer may be lost."""
        client, end = self._services[name], time.monotonic() + limit_s
        while time.monotonic() < end:
            if not client.wait_for_service(timeout_sec=1.0):
                continue
            answer, asked = client.call_async(request), time.monotonic()
            while not answer.done() and time.monotonic() < min(end, asked + 1.0):
                time.sleep(0.005)
            if answer.done():
                return answer.result()
        raise AssertionError(f"no answer from {name}\n{self.logs()}")

    def arm(self, arm: bool = True) -> Any:
        """The answer of segue/arm."""
        return self.call("segue/arm", Arm.Request(arm=arm))

    def recover(self) -> Any:
        """The answer of segue/recover."""
        return self.call("segue/recover", Recover.Request())

    def emergency_stop(self) -> Any:
        """The answer of segue/emergency_stop."""
        return self.call("segue/emergency_stop", EmergencyStop.Request(reason="tests"))

    def forget(self) -> None:
        """What was heard and asked until now is no matter any more."""
        self.witness.forget()
        self._asked = False

    def _over(self) -> bool:
        return self._asked and self.task.over

    def send(self, **goal: Any) -> None:
        """Ask for the task."""
        self.task.result, self.task.refused, self.task.feedback, self._asked = None, False, None, True
        self.task.send(RunTask.Goal(task=TASKS[self.robot], **{"seed": 1, **goal}))

    def result(self, limit_s: float = PATIENCE_S) -> Any:
        """The result of the task that was sent."""
        self.until(lambda: self.task.over, "the task is over", limit_s)
        assert not self.task.refused, f"the goal was rejected\n{self.logs()}"
        return self.task.result

    def move(self, **goal: Any) -> None:
        """Send a task and come back when the arm is in full motion."""
        self.send(**goal)
        self.in_motion()

    def in_motion(self, for_s: float = 1.0) -> None:
        """Come back when the arm has been armed for so long and moves."""
        began_s = self.witness.sim_s

        def moves() -> bool:
            long = self.witness.armed and self.witness.sim_s - began_s > for_s
            return self._over() or (long and self.witness.speed > MOVING_RAD_S)

        self.until(moves, "the arm moves")
        assert not self._over(), f"ended before it moved: {self.task.result}\n{self.logs()}"

    def pass_s(self, seconds: float) -> None:
        """Come back when so much of the run's clock has passed."""
        began_s = self.witness.sim_s
        self.until(lambda: self.witness.sim_s - began_s >= seconds, f"{seconds:g} s pass")

    def nothing_moves(self, since_s: float, for_s: float = 1.0) -> None:
        """Come back after so long; no joint has moved since `since_s`, nor was the guard armed."""
        self.pass_s(for_s)
        assert not self.witness.was_armed(since_s), f"armed by itself\n{self.logs()}"
        speed = self.witness.top_speed(since_s)
        assert speed <= REST_RAD_S, f"moved by itself, at up to {speed:.3f} rad/s\n{self.logs()}"

    def works_again(self) -> None:
        """A new task moves the arm, after a recovery; then it is cancelled, and the arm rests."""
        self.until(lambda: bool(self.recover().success), "the guard recovers")
        self.move()
        self.end()

    def end(self) -> Any:
        """Cancel the task, if there is one; its result when the arm is at rest."""
        self.task.cancel()
        self.until(lambda: self._over() or not self._asked, "the task is over")
        self.rest()
        return self.task.result

    def stopped(self, since_s: float, within_s: float) -> dict[str, float]:
        """The figures of a stop that began within `within_s` of a fault and came to rest as fast as limits allow.

        Nothing bad was on the wire, the arm was in motion before, and nothing moves afterwards.
        """
        assert self.witness.top_speed(since_s - 0.5) > MOVING_RAD_S, "it had not moved"
        self.rest()
        stop_s, rest_s = self.witness.stopped_after(since_s), self.witness.rested_after(since_s)
        bound_s = within_s + rest_bound_s(self.robot)
        assert self.witness.bad_commands() == []
        assert stop_s <= within_s, f"stopped after {stop_s:.3f} s, allowed {within_s:.3f}\n{self.logs()}"
        assert rest_s <= bound_s, f"at rest after {rest_s:.3f} s, allowed {bound_s:.3f}\n{self.logs()}"
        assert not self.witness.armed
        return {"stop_ms": 1e3 * stop_s, "rest_ms": 1e3 * rest_s, "bound_ms": 1e3 * bound_s}

    def rest(self, still_s: float = 0.5) -> None:
        """Come back when no joint has moved for so long on the run's clock."""
        self.until(lambda: self.witness.still_s >= still_s, f"the arm rests for {still_s:g} s")


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        return
