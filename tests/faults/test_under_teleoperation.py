"""The faults of rows 15, 16, 17, 19 and 34 while a person moves the robot with a leader arm, in place of a policy.

Not here: the node beside a stand-in of the robot (test_teleop_node.py), a device that is unplugged.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sensor_msgs.msg import JointState

from segue_core.errors import ErrorCode
from segue_ros import qos

from .busy import hold_up
from .figures import Figures
from .hands import EACH_ROBOT
from .leader import Leader
from .live import Live
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.thorough]

Start = Callable[[str], tuple[Live, Leader]]


@pytest.fixture
def led(live: Callable[..., Live], tmp_path: Path) -> Iterator[Start]:
    """Starts a graph with a leader arm; both are ended after the test."""
    leaders: list[Leader] = []

    def start(robot: str) -> tuple[Live, Leader]:
        leader = Leader(tmp_path, robot)
        leaders.append(leader.__enter__())
        graph = live(robot, **leader.arguments)
        leader.follow(graph)
        graph.pass_s(1.0)
        return graph, leader

    yield start
    for leader in leaders:
        leader.__exit__()


def _take(graph: Live, leader: Leader) -> None:
    """Have the robot follow the leader, in full motion."""
    for _ in range(5):  # refused until the leader is heard of
        leader.press("t")
        graph.pass_s(1.0)
        if graph.witness.armed and graph.witness.states[-1].phase in ("idle", "paused"):
            break
    graph.pass_s(2.0)  # the way to the leader
    graph.in_motion(0.1)


def _stopped(graph: Live) -> None:
    """Come back when the arm is at rest; nothing moves by itself, not even after a recovery."""
    graph.until(lambda: not graph.witness.armed, "the guard is not armed")
    graph.rest()
    graph.nothing_moves(graph.witness.sim_s)
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")
    graph.nothing_moves(graph.witness.sim_s)
    assert graph.witness.bad_commands() == []


@EACH_ROBOT
def test_a_leader_that_falls_silent_or_an_emergency_stop_ends_the_turn_at_rest(
    robot: str, led: Start, figures: Figures
) -> None:
    graph, leader = led(robot)
    witness, bound_s = graph.witness, rest_bound_s(robot)

    _take(graph, leader)
    since_s = witness.sim_s
    graph.emergency_stop()
    _stopped(graph)
    stop_s, rest_s = witness.stopped_after(since_s), witness.rested_after(since_s)
    figures.add(
        19, "emergency stop of a teleoperation", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * (stop_s + bound_s), code=307,
    )  # fmt: skip
    assert stop_s <= 0.15 and rest_s <= stop_s + bound_s

    graph.forget()
    _take(graph, leader)
    since_s, leader.silent = witness.sim_s, True
    graph.until(lambda: not witness.armed, "the guard is not armed")
    code = witness.error_code
    _stopped(graph)
    stop_s, rest_s = witness.stopped_after(since_s), witness.rested_after(since_s)
    figures.add(
        13, "leader silent", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * (stop_s + bound_s), code=code,
    )  # fmt: skip
    assert code == ErrorCode.CONTROL_COMMAND_STALE and rest_s <= stop_s + bound_s
    assert "nothing comes on leader/joint_states" in graph.log("teleop")
    leader.press("t")
    graph.pass_s(1.0)
    assert not witness.armed, "a silent leader cannot take the robot"
    leader.silent = False
    graph.forget()
    _take(graph, leader)


@pytest.mark.parametrize("name", ["teleop", "controller"])
def test_a_node_that_is_killed_while_a_person_has_the_robot_leaves_an_arm_at_rest(
    name: str, led: Start, figures: Figures
) -> None:
    graph, leader = led("franka")
    witness = graph.witness
    _take(graph, leader)
    killed_s = witness.at(graph.kill(name))
    graph.until(lambda: witness.sim_s > killed_s + 1.0, "time goes on")
    graph.rest()
    rest_s = witness.rested_after(killed_s)
    bound_s = rest_bound_s("franka") + (0.2 if name == "teleop" else witness.config.safety.robot_timeout_s)
    figures.add(
        16 if name == "teleop" else 17, f"{name} killed in teleoperation", "franka",
        rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s,
    )  # fmt: skip
    assert rest_s <= bound_s
    since_s = witness.sim_s
    graph.start_again(name)
    graph.nothing_moves(since_s)
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")
    graph.until(lambda: graph.stands, f"the dead {name} is forgotten")
    _take(graph, leader)
    assert witness.bad_commands() == []


@pytest.mark.parametrize("name", ["teleop", "controller"])
def test_a_node_that_is_stopped_for_long_while_a_person_has_the_robot_resumes_nothing(
    name: str, led: Start, figures: Figures
) -> None:
    graph, leader = led("franka")
    _take(graph, leader)
    _, woke = hold_up([graph.pid(name)], 8.0)
    graph.until(lambda: not graph.witness.armed, "the guard is not armed")
    code = graph.witness.error_code
    _stopped(graph)
    figures.add(34, f"{name} stopped for 8 s in teleoperation", "franka", code=code)
    assert graph.witness.rested_after(graph.witness.at(woke)) == 0.0, f"moved when the {name} woke up"
    _take(graph, leader)


def test_a_second_leader_one_that_is_nowhere_and_one_that_jumps_move_nothing_at_once(
    led: Start, figures: Figures
) -> None:
    graph, leader = led("franka")
    witness = graph.witness
    _take(graph, leader)
    names = [*witness.config.joint_names, *witness.config.gripper_names]
    rogue = graph.node.create_publisher(JointState, "leader/joint_states", qos.SENSOR_SOURCE)
    for value in (0.7, 1e30, float("nan")):
        message = JointState(name=names, position=[value] * len(names))
        end_s = witness.sim_s + 0.5
        graph.until(lambda m=message, s=end_s: bool(rogue.publish(m)) or witness.sim_s > s, "time goes on")
    assert "a second leader" in graph.log("teleop")
    assert witness.armed and witness.bad_commands() == []
    since_s, leader.off_rad = witness.sim_s, 1.0
    graph.pass_s(0.5)
    fastest = witness.top_speed(since_s)
    figures.add(5, "a leader jumps by 1 rad", "franka", note=f"followed at {fastest:.2f} rad/s at most")
    assert witness.bad_commands() == []
    graph.emergency_stop()
    _stopped(graph)


def test_of_a_person_and_a_policy_one_has_the_robot_at_any_time(led: Start, figures: Figures) -> None:
    graph, leader = led("franka")
    witness = graph.witness
    graph.move()
    _take(graph, leader)
    assert not graph.task.over and witness.states[-1].phase == "paused"
    leader.press("b")
    graph.until(lambda: witness.states[-1].phase == "running", "the policy goes on")
    graph.in_motion(1.0)
    figures.add(
        15,
        "a person takes over and gives back",
        "franka",
        note=f"{witness.count('foreign')} foreign commands",
    )
    assert witness.count("foreign") == 0
    _take(graph, leader)
    graph.emergency_stop()
    result = graph.result()
    assert result.error_code == ErrorCode.CONTROL_EMERGENCY_STOP
    _stopped(graph)
    graph.works_again()
    assert witness.bad_commands() == []
