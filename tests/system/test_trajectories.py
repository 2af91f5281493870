"""`follow_joint_trajectory`, as MoveIt calls it: simulator, controller with its guard, mover, in a namespace."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTolerance
from own_domain import own_domain
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectoryPoint

from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.readiness import Readiness
from segue_bringup.supervision.commands import node_command, node_environment, write_parameters
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_data.contracts import load_robot
from segue_ros import qos

from .conftest import wait_until

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(400)]

ROBOT = load_robot("franka")
HOME = dict(zip(ROBOT.joint_names, ROBOT.pose_rad("home"), strict=True))


class Bench:
    """The graph without a policy, and a client as MoveIt is one."""

    def __init__(self, folder: Path, supervisor: Supervisor) -> None:
        domain = own_domain()
        given = {"robot": "franka", "task": "reach_target", "policy": "hold", "namespace": "left"}
        graph = load_graph().only(("simulator", "controller", "mover"))
        plan = make_plan(graph, {**given, "planned_moves": True})
        base = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
        for node in plan.nodes:
            command = node_command(node, write_parameters(node, folder))
            log = folder / f"{node.name}.log"
            supervisor.start(Job(node.name, command, node_environment(node, base), log, node.required))
        rclpy.init(args=[], domain_id=domain)
        self.node = rclpy.create_node("moveit", namespace="left")
        self.position: dict[str, float] = {}
        self.hear: Callable[[Any], Any] = lambda _: None
        self.node.create_subscription(JointState, "joint_states", self._see, qos.SENSOR)
        self.client: Any = ActionClient(self.node, FollowJointTrajectory, "segue/follow_joint_trajectory")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        ready = Readiness(self.node, plan.nodes)
        self.until(lambda: not ready.pending() and self.client.server_is_ready() and bool(self.position))

    def _see(self, message: JointState) -> None:
        self.position = dict(zip(message.name, message.position, strict=True))

    def until(self, done: Callable[[], bool]) -> None:
        def look() -> bool:
            self._executor.spin_once(timeout_sec=0.05)
            return done()

        assert wait_until(look)

    def send(self, points: list[tuple[float, dict[str, float]]], **more: Any) -> Any:
        """The handle of a goal that takes the named joints to positions at times [s]."""
        goal = FollowJointTrajectory.Goal(**more)
        goal.trajectory.joint_names = names = list(points[0][1])
        for seconds, where in points:
            time = Duration(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))
            goal.trajectory.points.append(
                JointTrajectoryPoint(positions=[where[name] for name in names], time_from_start=time)
            )
        sent = self.client.send_goal_async(goal, feedback_callback=self.hear)
        self.until(sent.done)
        return sent.result()

    def result(self, handle: Any) -> tuple[int, Any]:
        """Status and result of a goal."""
        asked = handle.get_result_async()
        self.until(asked.done)
        return asked.result().status, asked.result().result


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Supervisor(print) as supervisor:
        bench = Bench(tmp_path_factory.mktemp("graph"), supervisor)
        yield bench
        bench.client.destroy()
        bench.node.destroy_node()
        rclpy.try_shutdown()


def test_the_arm_goes_along_the_trajectory_to_its_end_and_joints_that_it_does_not_name_stay(
    bench: Bench,
) -> None:
    first, last = ROBOT.joint_names[0], ROBOT.joint_names[5]
    way = [(1.0, {last: HOME[last] - 0.1, first: 0.2}), (2.0, {last: HOME[last], first: 0.3})]
    status, result = bench.result(bench.send(way))
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, result.SUCCESSFUL), (
        result.error_string
    )
    assert bench.position[first] == pytest.approx(0.3, abs=0.03)
    others = [name for name in HOME if name not in (first, last)]
    np.testing.assert_allclose([bench.position[n] for n in others], [HOME[n] for n in others], atol=0.03)


@pytest.mark.parametrize(
    "points",
    [
        [(1.0, {"elbow": 0.1})],
        [(0.05, {"arm_joint1": 1.5})],
        [(9.0, {"arm_joint1": 4.0})],
        [(0.0, {"arm_joint1": 1.5}), (5.0, {"arm_joint1": 1.6})],
    ],
)
def test_what_cannot_be_followed_is_rejected_and_moves_nothing(
    bench: Bench, points: list[tuple[float, dict[str, float]]]
) -> None:
    before = bench.position["arm_joint1"]
    assert not bench.send(points).accepted
    assert bench.position["arm_joint1"] == pytest.approx(before, abs=0.01)


def test_the_newest_trajectory_wins_and_the_one_before_ends_as_aborted(bench: Bench) -> None:
    """As joint_trajectory_controller preempts; MoveIt sends the next one without waiting."""
    here = bench.position["arm_joint1"]
    first = bench.send([(6.0, {"arm_joint1": here - 0.6})])
    bench.until(lambda: bench.position["arm_joint1"] < here - 0.05)
    second = bench.send([(2.0, {"arm_joint1": here})])
    status, result = bench.result(first)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, result.INVALID_GOAL)
    assert "newer" in result.error_string
    status, result = bench.result(second)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, result.SUCCESSFUL), (
        result.error_string
    )
    assert bench.position["arm_joint1"] == pytest.approx(here, abs=0.03)


def test_a_cancelled_trajectory_has_no_error_the_arm_rests_and_the_next_is_taken_at_once(
    bench: Bench,
) -> None:
    here = bench.position["arm_joint1"]
    handle = bench.send([(6.0, {"arm_joint1": here - 0.6})])
    bench.until(lambda: bench.position["arm_joint1"] < here - 0.05)
    cancelled = handle.cancel_goal_async()
    bench.until(cancelled.done)
    after = bench.send([(2.0, {"arm_joint1": here})])
    status, result = bench.result(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert result.error_string.startswith("cancelled by its client: ")
    assert result.error_code == result.SUCCESSFUL and bench.position["arm_joint1"] > here - 0.5
    assert bench.result(after)[0] == GoalStatus.STATUS_SUCCEEDED


def test_feedback_says_where_the_arm_should_be_is_and_how_far_apart(bench: Bench) -> None:
    here = bench.position["arm_joint1"]
    told: list[Any] = []
    bench.hear = lambda message: told.append(message.feedback)
    way = [(2.0, {"arm_joint1": here + 0.1}), (4.0, {"arm_joint1": here})]
    assert bench.result(bench.send(way))[0] == GoalStatus.STATUS_SUCCEEDED
    at = ROBOT.joint_names.index("arm_joint1")
    assert (
        len(told) > 5 and tuple(told[0].joint_names) == ROBOT.joint_names
    )  # a busy machine tells less often
    for one in told:
        assert one.error.positions[at] == pytest.approx(one.desired.positions[at] - one.actual.positions[at])
        assert len(one.desired.velocities) == len(ROBOT.joint_names)
    assert max(one.desired.positions[at] for one in told) == pytest.approx(here + 0.1, abs=0.03)
    if hasattr(told[0], "index"):
        assert sorted({one.index for one in told}) == [0, 1]


def test_an_arm_that_leaves_its_path_by_more_than_was_allowed_ends_the_goal(bench: Bench) -> None:
    here = bench.position["arm_joint1"]
    tight = [JointTolerance(name="arm_joint1", position=1e-5)]
    status, result = bench.result(bench.send([(2.0, {"arm_joint1": here + 0.5})], path_tolerance=tight))
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, result.PATH_TOLERANCE_VIOLATED)
    assert "arm_joint1" in result.error_string
