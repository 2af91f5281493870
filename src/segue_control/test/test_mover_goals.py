"""The mover rejects at once what it cannot do, and takes what it can."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import numpy as np
import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until
from std_msgs.msg import String

from segue_control.node.move_node import MoverNode
from segue_core.errors import ConfigError, ControlError
from segue_interfaces.action import MoveTo
from segue_interfaces.msg import SafetyState
from segue_ros import qos

ROBOT = Path(__file__).parents[3] / "config" / "robots" / "franka.yaml"


class Bench:
    """A mover without a robot, and somebody who asks it for moves."""

    def __init__(self) -> None:
        self.node = MoverNode()
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.peer = Node("peer")
        self.client: Any = ActionClient(self.peer, MoveTo, "segue/move")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.peer)
        spin_until(self._executor, self.client.server_is_ready)

    def accepts(self, pose: str, speed: float = 1.0) -> bool:
        """Whether a goal is taken."""
        sent = self.client.send_goal_async(MoveTo.Goal(pose=pose, speed=speed))
        spin_until(self._executor, sent.done)
        return bool(sent.result().accepted)


@pytest.fixture
def bench() -> Iterator[Bench]:
    given = [f"robot_file:={ROBOT}", "planner:=built_in", "autostart:=false"]
    arguments = [part for text in given for part in ("-p", text)]
    rclpy.init(args=["test", "--ros-args", *arguments], domain_id=own_domain())
    bench = Bench()
    yield bench
    bench.client.destroy()
    bench.peer.destroy_node()
    bench.node.end()
    bench.node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize(
    ("pose", "speed"),
    [("asid", 1.0), ("", 1.0), ("home", 1.5), ("home", -0.1), ("home", float("nan")), ("home", 1e-45)],
)
def test_a_pose_or_speed_that_there_is_not_is_rejected(bench: Bench, pose: str, speed: float) -> None:
    assert not bench.accepts(pose, speed)


def test_one_move_at_a_time(bench: Bench) -> None:
    assert bench.accepts("home")  # it now waits for joint states, which nobody sends here
    assert not bench.accepts("aside")


def test_an_inactive_mover_rejects_moves(bench: Bench) -> None:
    bench.node.trigger_deactivate()
    assert not bench.accepts("home")


def test_a_move_that_the_guard_ends_without_a_reason_says_what_that_can_mean(bench: Bench) -> None:
    """It once ended with "the guard stopped the move:." and nothing more."""
    node = bench.node
    rest = np.zeros(len(node.robot.joint_names))
    action = node._codec.action(rest, np.zeros(len(node.robot.gripper_names)))
    node._safety = SafetyState(armed=True)
    move = bench._executor.create_task(
        node._follow, np.tile(action, (900, 1)), rest, rest + 1.0, lambda _: "", 1.0
    )
    spin_until(bench._executor, lambda: node._stream is not None and node._stream.tick > 0)
    node._safety = SafetyState()
    with pytest.raises(
        ControlError, match="the guard stopped the move: somebody disarmed the robot, or another node"
    ):
        spin_until(bench._executor, move.done)


def test_a_planner_that_wants_the_robots_description_gets_the_one_that_the_graph_tells(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue_control.node.move_node._DESCRIPTION_S", 0.2)
    with pytest.raises(
        ConfigError, match="nobody published /robot_description in 0.2 s. What to do: leave frames:=true"
    ):
        bench.node._urdf()
    monkeypatch.setattr("segue_control.node.move_node._DESCRIPTION_S", 60.0)
    out = bench.peer.create_publisher(String, "robot_description", qos.LATCHED)
    out.publish(String(data="<robot/>"))
    assert bench.node._urdf() == "<robot/>"
