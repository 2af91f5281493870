"""Goals that cannot be done are rejected at once; parameters change between runs, and not to anything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from builtin_interfaces.msg import Time
from own_domain import own_domain
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from spinning import spin_until

from segue_core.errors import ConfigError, ErrorCode
from segue_interfaces.action import RunTask
from segue_interfaces.msg import Observation
from segue_ros import qos
from segue_ros.rejections import Reasons
from segue_scheduler.node import task_server
from segue_scheduler.node.scheduler_node import SchedulerNode

ROBOT = Path(__file__).parents[3] / "config" / "robots" / "jaco2.yaml"


class Bench:
    """A scheduler in a namespace of its own, and somebody who asks it for things."""

    def __init__(self) -> None:
        self.node = SchedulerNode()
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.peer = Node("peer", namespace="left")
        self.client: Any = ActionClient(self.peer, RunTask, "segue/run_task")
        self._set = self.peer.create_client(SetParametersAtomically, "scheduler/set_parameters_atomically")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.peer)
        self.until(lambda: self.client.server_is_ready() and self._set.service_is_ready())

    def until(self, done: Callable[[], bool]) -> None:
        spin_until(self._executor, done)

    def send(self, **goal: Any) -> Any:
        """The handle of a goal."""
        sent = self.client.send_goal_async(RunTask.Goal(**goal))
        self.until(sent.done)
        return sent.result()

    def set(self, **values: Any) -> SetParametersResult:
        """As `ros2 param set` does it."""
        asked = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        answer = self._set.call_async(SetParametersAtomically.Request(parameters=asked))
        self.until(answer.done)
        return answer.result().result

    def close(self) -> None:
        self.client.destroy()
        self.peer.destroy_node()
        self.node.end()
        self.node.destroy_node()


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """`request.param`: the nodes' `use_sim_time`."""
    simulated = f"use_sim_time:={str(getattr(request, 'param', False)).lower()}"
    given = [
        f"robot_file:={ROBOT}",
        "task:=place_block",
        "policy:=hold",
        "continuation:=naive_async",
        simulated,
    ]
    arguments = [part for text in (*given, "autostart:=false") for part in ("-p", text)]
    rclpy.init(args=["test", "--ros-args", "-r", "__ns:=/left", *arguments], domain_id=own_domain())
    bench = Bench()
    yield bench
    bench.close()
    rclpy.shutdown()


@pytest.mark.parametrize(
    "goal",
    [
        {"task": "place_blok"},
        {"policy": "legato"},
        {"continuation": "naive_asink"},
        {"seed": -1},
        {"time_limit_s": -1.0},
        {"time_limit_s": float("nan")},
        {"instruction": "x" * 5000},
    ],
)
def test_a_goal_that_the_graph_cannot_do_is_rejected_before_anything_happens(
    bench: Bench, goal: dict[str, Any]
) -> None:
    assert not bench.send(**goal).accepted
    assert bench.send(task="place_block", policy="hold").accepted, "and the next good one is taken"


def test_why_a_goal_was_rejected_is_told_under_its_id_also_to_whoever_asks_later(bench: Bench) -> None:
    """ROS's answer is a bare no."""
    sent = bench.send(task="place_blok")
    late = rclpy.create_node("late", namespace="/left")
    bench._executor.add_node(late)
    reasons = Reasons(late, lambda: None)
    asked = bytes(sent.goal_id.uuid)
    bench.until(lambda: reasons.of(asked) is not None)
    told = reasons.of(asked)
    assert told is not None and told.code is ErrorCode.CONFIG_UNKNOWN_NAME
    assert "rejected by /left/segue/run_task: unknown task 'place_blok'" in told.text
    assert "place_block" in told.text and str(told).count("What to do:") == 1
    bench._executor.remove_node(late)
    late.destroy_node()


def test_of_fifty_goals_at_once_one_is_worked_on_and_every_other_gets_its_refusal_with_the_reason(
    bench: Bench,
) -> None:
    """Fault 21: 39 of 50 clients once never got an answer; on a busy machine some asked when theirs was forgotten."""
    assert bench.set(policy_timeout_s=60.0).successful  # for the one that is worked on
    clients: Any = [ActionClient(bench.peer, RunTask, "segue/run_task") for _ in range(50)]
    bench.until(lambda: all(client.server_is_ready() for client in clients))
    sent = [client.send_goal_async(RunTask.Goal()) for client in clients]
    bench.until(lambda: all(answer.done() for answer in sent))
    results = [answer.result().get_result_async() for answer in sent if answer.result().accepted]
    bench.until(lambda: sum(result.done() for result in results) == 49)
    for result in (result.result().result for result in results if result.done()):
        assert (result.outcome, result.error_code) == ("error", 112)
        assert "another task is running" in result.error_text
    for client in clients:
        client.destroy()


def test_an_inactive_scheduler_rejects_goals(bench: Bench) -> None:
    bench.node.trigger_deactivate()
    assert not bench.send().accepted


def test_an_observation_of_the_far_future_is_dropped_and_later_ones_count(bench: Bench) -> None:
    """One of tick 2^60 once blinded the scheduler for good: every later one was older."""
    out = bench.peer.create_publisher(Observation, "segue/observation", qos.OBSERVATION)
    bench.until(lambda: out.get_subscription_count() == 1)
    pose = [0.1] * bench.node.space.dim

    def seen_after(tick: int) -> int:
        out.publish(Observation(tick=tick, state=pose))
        now = bench.node.tick
        out.publish(Observation(tick=now, state=pose))
        bench.until(lambda: bench.node.measured_at >= now)
        return bench.node.measured_at - now

    assert seen_after(2**60) == 0
    assert seen_after(bench.node.tick + 100) == 0


def test_parameters_change_between_runs_and_the_next_run_has_them(bench: Bench) -> None:
    assert bench.set(delay=4, stride=12, rule_options="{time_limit: {}}").successful
    assert (bench.node.given.delay, bench.node.given.stride) == (4, 12)
    assert bench.node.get_parameter("delay").value == 4


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"continuation": "naive_asink"}, "naive_async"),
        ({"continuation_options": "{no_such_option: 1}"}, "no_such_option"),
        ({"continuation_options": "{"}, "continuation_options"),
        ({"termination": "time_limit, nonsense"}, "nonsense"),
        ({"rule_options": "{stall: {windw_s: 3.0}}"}, "windw_s"),
        ({"latency": "9:2"}, "latency"),
        ({"delay": -1}, ""),
        ({"stride": 0}, ""),
        ({"delay": 4, "delay_mode": "sometimes"}, "delay_mode"),
        ({"robot_file": "/nowhere.yaml"}, "read-only"),
        ({"task": "other"}, "read-only"),
        ({"use_sim_time": True}, "expected false, as it was started"),
        ({"autostart": True}, "read-only"),
    ],
)
def test_a_value_that_no_run_could_have_is_refused_with_the_reason_and_changes_nothing(
    bench: Bench, values: dict[str, Any], reason: str
) -> None:
    before = bench.node.given
    result = bench.set(**values)
    assert not result.successful
    assert reason in result.reason and result.reason
    assert bench.node.given == before
    assert bench.node.get_parameter("delay").value == before.delay


def test_nothing_changes_during_a_run(bench: Bench) -> None:
    assert bench.send().accepted
    bench.until(lambda: bench.node._server.busy)
    result = bench.set(delay=4)
    assert not result.successful and "a task is running" in result.reason
    assert bench.node.given.delay != 4


def test_a_goal_whose_scheduler_ends_before_the_run_began_has_a_result_that_says_so(bench: Bench) -> None:
    """Of one that was ended the client once never heard again."""
    goal = bench.send()
    bench.until(lambda: bench.node._server.busy)
    told = goal.get_result_async()
    bench.node.rest()
    bench.until(told.done)
    assert told.result().result.error_code == ErrorCode.TASK_CANCELLED
    assert "the scheduler node was deactivated, or ended" in told.result().result.error_text


@pytest.mark.parametrize("bench", [True], indirect=True)
def test_a_scheduler_that_hears_no_simulated_time_says_so_and_begins_no_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run stood at tick 0 for ever: the time limit waits for ticks, too."""
    monkeypatch.setattr(task_server, "_PATIENCE_S", 0.3)
    heard = bench._executor.create_task(bench.node._server._hear_the_time)
    with pytest.raises(ConfigError, match="nothing on /clock") as raised:
        bench.until(heard.done)
    assert raised.value.code is ErrorCode.ENVIRONMENT_INCOMPLETE
    out = bench.peer.create_publisher(Clock, "/clock", 10)

    def told() -> bool:
        out.publish(Clock(clock=Time(sec=5)))
        return bool(bench.node.get_clock().now().nanoseconds)

    bench.until(told)
    heard = bench._executor.create_task(bench.node._server._hear_the_time)
    bench.until(heard.done)
    assert heard.exception() is None
