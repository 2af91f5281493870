"""Single real nodes and sessions, with nothing of a graph around them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from segue_core.action_space import action_space
from segue_core.lease import Lease
from segue_core.scheduler_config import SchedulerConfig
from segue_interfaces.action import PredictChunk, RunTask
from segue_policies.node.policy import PolicyNode
from segue_scheduler.node.scheduler_node import SchedulerNode
from segue_scheduler.node.session import RunSpec, Session
from segue_scheduler.testing.scripted_policy import policy_info

ROBOTS = Path(__file__).parents[2] / "config" / "robots"
SPACE = action_space("dual_arm_ee")
_PATIENCE_S = 60.0


def session(lease: Lease) -> Session:
    """A run of the scheduler node that nobody has ticked yet."""
    spec = RunSpec("run", "task", "", 7, SchedulerConfig(time_limit_s=3.0))
    return Session(spec, SPACE, policy_info(SPACE), lease, state_timeout_s=0.5)


@contextmanager
def ros(**parameters: object) -> Iterator[None]:
    """ROS on a domain of its own, with node parameters."""
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *words], domain_id=own_domain())
    try:
        yield
    finally:
        rclpy.shutdown()


class Bench:
    """One active node and a peer that sends it goals."""

    def __init__(self, node: Any, action: Any, name: str) -> None:
        self.node, self.peer = node, Node("peer")
        self._client: Any = ActionClient(self.peer, action, name)
        self._executor = SingleThreadedExecutor()
        for one in (self.node, self.peer):
            self._executor.add_node(one)
        self.until(self._client.server_is_ready)

    def until(self, done: Callable[[], bool]) -> None:
        """Spin until it is so; a minute, however slow the machine."""
        end = time.monotonic() + _PATIENCE_S
        while not done():
            assert time.monotonic() < end, "it did not happen"
            self._executor.spin_once(timeout_sec=0.01)

    def send(self, goal: Any) -> Any:
        """The handle of an accepted goal."""
        sent = self._client.send_goal_async(goal)
        self.until(sent.done)
        assert sent.result().accepted
        return sent.result()

    def answer(self, goal: Any) -> Any:
        """The result of a goal."""
        result = self.send(goal).get_result_async()
        self.until(result.done)
        return result.result().result

    def close(self) -> None:
        """End both."""
        self._client.destroy()
        self.peer.destroy_node()
        self.node.end()
        self.node.destroy_node()


@contextmanager
def scheduler_bench() -> Iterator[Bench]:
    """An active scheduler that waits for a policy."""
    given = {"robot_file": ROBOTS / "dual_arm.yaml", "task": "pick_place", "policy": "hold"}
    with ros(**given, continuation="naive_async", autostart="false"):
        yield from _bench(SchedulerNode, RunTask, "segue/run_task", active=True)


@contextmanager
def policy_bench(kind: type[PolicyNode], *, active: bool = True, patience_s: float = 0.3) -> Iterator[Bench]:
    """A policy node."""
    given = {
        "robot_file": ROBOTS / "dual_arm.yaml",
        "method": "hold",
        "observation_timeout_s": patience_s,
        "autostart": "false",
    }
    with ros(**given):
        yield from _bench(kind, PredictChunk, "segue/predict_chunk", active=active)


def _bench(kind: Callable[[], Any], action: Any, name: str, *, active: bool) -> Iterator[Bench]:
    node = kind()
    node.trigger_configure()
    if active:
        node.trigger_activate()
    bench = Bench(node, action, name)
    try:
        yield bench
    finally:
        bench.close()
