"""15: a second sender of commands, a second node of one name. One owner; no foreign command is executed.

Not here: how namesakes find each other (test_ros_beginning.py), two schedulers that took one goal
(test_scheduler_doubles.py), a second controller (test_control_node.py), `segue run` beside a graph of its names
(test_readiness.py, test_ends.py).
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
from trajectory_msgs.msg import JointTrajectory

from segue_core.errors import ErrorCode
from segue_interfaces.msg import RobotCommand
from segue_ros import qos

from .figures import Figures
from .hands import EACH_ROBOT
from .intruder import AWAY_M, Intruder, SecondClock
from .live import Live

pytestmark = [pytest.mark.system, pytest.mark.slow]

_PERIOD_S = 1.5  # of what sways
_NEAR_RAD = 0.1 * AWAY_M


def _reach_of_a_period(graph: Live) -> np.ndarray:
    began_s = graph.witness.sim_s
    graph.pass_s(1.2 * _PERIOD_S)
    return graph.witness.reach(began_s)


def _went_further(graph: Live, reach: np.ndarray) -> float:
    """How far [rad] joints go out of `reach` in a period. A task that ends, as on a busy machine, is no further way."""
    low, high = _reach_of_a_period(graph)
    return float(max((reach[0] - low).max(), (high - reach[1]).max()))


@EACH_ROBOT
@pytest.mark.parametrize(
    "run_id",
    [
        pytest.param("intruder", id="another_run", marks=pytest.mark.thorough),
        pytest.param(None, id="the_same_run"),
    ],
)
def test_commands_of_another_publisher_are_counted_and_move_nothing(
    robot: str, run_id: str | None, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    graph.move()
    graph.pass_s(1.0)  # the first chunk begins elsewhere on the path
    reach = _reach_of_a_period(graph)
    with Intruder(graph.domain, "segue/command", RobotCommand, run_id=run_id) as intruder:
        graph.until(lambda: graph.witness.count("foreign") > 0, "the guard counts foreign commands")
        further = _went_further(graph, reach)
    counted = graph.witness.count("foreign")
    figures.add(
        15, "foreign commands", robot, note=f"{intruder.sent} sent, {counted} refused and counted, 0 executed"
    )
    assert further < _NEAR_RAD
    assert graph.witness.bad_commands() == []
    assert ("command of another run" if run_id else "command of a second publisher") in graph.log(
        "controller"
    )


@EACH_ROBOT
def test_joint_commands_of_another_publisher_are_refused_by_the_robots_own_side(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing(robot)
    graph.move()
    graph.pass_s(1.0)  # the first chunk begins elsewhere on the path
    reach = _reach_of_a_period(graph)
    logged = len(graph.log("simulator"))
    with Intruder(graph.domain, "joint_command", JointTrajectory) as intruder:
        graph.until(
            lambda: "joint command refused" in graph.log("simulator")[logged:], "the intruder is refused"
        )
        further = _went_further(graph, reach)
    figures.add(15, "foreign joint commands", robot, note=f"{intruder.sent} sent, 0 executed")
    assert further < _NEAR_RAD


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("topic", "kind", "code", "said"),
    [
        ("segue/command", RobotCommand, ErrorCode.CONTROL_FOREIGN_COMMAND, "node /intruder commands on segue/command"),
        ("joint_command", JointTrajectory, ErrorCode.CONTROL_FOREIGN_COMMAND, "got /controller, /intruder"),
    ],
)  # fmt: skip
def test_beside_somebody_who_commands_already_nothing_is_armed_and_the_goal_says_who(
    topic: str, kind: type, code: ErrorCode, said: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing("franka")
    heard: list[object] = []
    graph.node.create_subscription(kind, topic, heard.append, qos.COMMAND)
    graph.move()
    graph.end()
    began_s = graph.witness.sim_s
    with Intruder(graph.domain, topic, kind, lasting=heard[-1]) as intruder:
        everybody = graph.node.count_subscribers(topic)
        graph.until(
            lambda: intruder.heard_by >= everybody and intruder.sent > 50, "everybody hears the intruder"
        )
        graph.pass_s(0.5)
        graph.send()
        result = graph.result()
    figures.add(15, f"foreign on {topic} before arming", "franka", code=int(code), note="nothing is armed")
    assert result.error_code == code and said in result.error_text
    assert not graph.witness.was_armed(began_s)
    graph.works_again()
    assert graph.witness.bad_commands() == []


@pytest.mark.thorough
@EACH_ROBOT
def test_a_second_clock_is_not_followed_and_is_named_before_the_next_run(
    robot: str, standing: Callable[[str], Live], figures: Figures
) -> None:
    """It was said to be a camera's cable."""
    graph = standing(robot)
    graph.move()
    graph.pass_s(1.0)  # the first chunk begins elsewhere on the path
    reach = _reach_of_a_period(graph)
    with SecondClock(graph.domain) as second:
        graph.until(lambda: second.sent > 60, "the second clock has told the time for a second")
        further = _went_further(graph, reach)
        assert not graph.task.over, graph.task.result
        graph.end()
        graph.send()
        result = graph.result()
    figures.add(
        15,
        "second clock",
        robot,
        code=int(result.error_code),
        note=f"{second.sent} times told, none followed",
    )
    assert further < _NEAR_RAD
    assert result.error_code == ErrorCode.ADDRESS_IN_USE
    assert "node /simulator and node /player" in result.error_text
    graph.works_again()
    assert graph.witness.bad_commands() == []


@pytest.mark.parametrize(
    "name",
    [
        "scheduler",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("controller", "perception", "policy", "recorder")
        ),
    ],
)
def test_a_second_node_of_one_name_ends_by_itself_and_the_arm_goes_on(
    name: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live("franka", record=True)
    graph.wait_for("recorder")
    graph.move()
    graph.pass_s(1.0)  # the first chunk begins elsewhere on the path
    reach = _reach_of_a_period(graph)
    second, began_s = f"second_{name}", time.monotonic()
    graph.start(name, called=second)
    graph.until(
        lambda: graph.supervisor.poll() or second not in graph.supervisor.pids, "the second node ends"
    )
    figures.add(
        15, f"second {name}", "franka", note=f"ended by itself after {time.monotonic() - began_s:.1f} s"
    )
    assert f"a node /{name} is there already on ROS domain {graph.domain}: process " in graph.log(second)
    assert _went_further(graph, reach) < _NEAR_RAD
    assert not graph.task.over, graph.task.result
    graph.end()
    graph.until(lambda: graph.stands, "the graph is as it was")
    graph.works_again()
    assert graph.witness.bad_commands() == []
