"""A start wastes nothing: the world stands until the graph is ready, and no node imports what it does not use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from spinning import spin_until

from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.standing_world import StandingWorld, standing
from segue_ros import qos
from segue_sim.node.simulator_node import SimulatorNode

PLAN = make_plan(load_graph(), {})
HEAVY = {"torch", "scipy", "matplotlib", "pandas", "pyarrow", "sympy", "av"}
NODES = {
    "simulator": "segue_sim.node.simulator_node",
    "state_publisher": "segue_sim.node.state_publisher_node",
    "controller": "segue_control.node.controller_node",
    "perception": "segue_perception.node.perception_node",
    "policy": "segue_policies.node.policy",
    "scheduler": "segue_scheduler.node.scheduler_node",
    "recorder": "segue_data.node.recorder_node",
}


class Watched:
    """A simulator that was started as `segue run` starts it, and who hears its clock."""

    def __init__(self) -> None:
        self.peer = Node("peer")
        self.times: list[float] = []
        self.joints: list[JointState] = []
        self.peer.create_subscription(Clock, "/clock", self._on_clock, 10)
        self.peer.create_subscription(JointState, "joint_states", self.joints.append, qos.JOINT_SOURCE)
        self.world = StandingWorld(self.peer, PLAN)
        self.node = SimulatorNode()
        self.node.trigger_configure()
        self.node.trigger_activate()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.peer)

    def until(self, done: Callable[[], bool]) -> None:
        spin_until(self._executor, done)

    def close(self) -> None:
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()

    def _on_clock(self, message: Clock) -> None:
        self.times.append(message.clock.sec + 1e-9 * message.clock.nanosec)


@pytest.fixture
def watched() -> Iterator[Watched]:
    wanted = ("robot_file", "task_file", "waits", "stands")
    given = standing(PLAN).node("simulator").parameters
    words = [
        word for name in wanted for word in ("-p", f"{name}:={str(given[name]).replace('True', 'true')}")
    ]
    rclpy.init(args=["test", "--ros-args", *words, "-p", "autostart:=false"], domain_id=own_domain())
    watched = Watched()
    try:
        yield watched
    finally:
        watched.close()
        rclpy.try_shutdown()


def test_a_world_that_stands_tells_everybody_its_first_time_until_the_graph_lets_it_pass(
    watched: Watched,
) -> None:
    watched.until(lambda: len(watched.times) > 2 and len(watched.joints) > 2)
    assert set(watched.times) == {1.0} and watched.world.stands
    watched.until(watched.world.passes)
    watched.until(lambda: watched.times[-1] > 1.0)
    assert not watched.world.stands


def test_a_graph_without_a_simulator_has_nothing_that_stands() -> None:
    real = make_plan(load_graph(), {"sim": "none"})
    assert standing(real) == real


@pytest.mark.parametrize("node", sorted(NODES))
def test_a_node_imports_no_library_that_only_others_use(node: str) -> None:
    code = f"import sys, {NODES[node]}; print(*sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
