"""Laws of gripper actions, against real action servers over DDS: one goal at a time, and the newest target wins."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from own_domain import own_domain
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_control.device_topics.grippers import GripperWriter, gripper_writer
from segue_control.hardware.mapping import Axis
from segue_control.hardware.settings import GripperCommand
from segue_interfaces.action import PredictChunk  # any action with a number in its goal
from segue_ros.waiting import until

_ACTION = "/hand/move"
_UPDATE_S = 1 / 120
_FOREVER_S = 1000.0


class Hand:
    """A driver as franka_gripper is one: it takes every goal at once and works on each until `ends` or a cancel."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.begun: list[int] = []
        self.done: list[int] = []
        self.at_once = self.most_at_once = self.cancelled = 0
        self.refusals = 0
        self.lasts_s = 0.1
        self.server = ActionServer(
            node,
            PredictChunk,
            _ACTION,
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _on_goal(self, _: PredictChunk.Goal) -> GoalResponse:
        if self.refusals:
            self.refusals -= 1
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> PredictChunk.Result:
        target = int(handle.request.horizon)
        self.begun.append(target)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        end = time.monotonic() + self.lasts_s
        await until(self.node, lambda: handle.is_cancel_requested or time.monotonic() > end, 2 * _FOREVER_S)
        self.at_once -= 1
        if handle.is_cancel_requested:
            self.cancelled += 1
            handle.canceled()
        else:
            self.done.append(target)
            handle.succeed()
        return PredictChunk.Result()


class Bench:
    """Our side of the wire, the driver's, and the controller's updates between them."""

    def __init__(self) -> None:
        self.ours, self.theirs = Node("hardware"), Node("driver")
        self.executor = SingleThreadedExecutor()
        for node in (self.ours, self.theirs):
            self.executor.add_node(node)
        self.hand = Hand(self.theirs)
        self.seconds = 0.0

    def writer(self, **settings: Any) -> GripperWriter:
        command = GripperCommand(
            kind="action",
            topic=_ACTION,
            type="segue_interfaces/action/PredictChunk",
            fields=("horizon",),
            **settings,
        )
        writer = gripper_writer(self.ours, command, Axis("gripper", "finger", scale=100.0, offset=0.0))
        spin_until(self.executor, writer.heard)
        return writer

    def command(self, writer: GripperWriter, openings: list[float]) -> None:
        """One opening per update, in real time."""
        for opening in openings:
            self.seconds += _UPDATE_S
            writer.send(opening, self.seconds)
            end = time.monotonic() + _UPDATE_S
            while time.monotonic() < end:
                self.executor.spin_once(timeout_sec=0.002)

    def command_until(self, writer: GripperWriter, opening: float, done: Callable[[], bool]) -> None:
        """The same opening again and again, until something is so."""

        def look() -> bool:
            self.command(writer, [opening])
            return done()

        spin_until(self.executor, look)


@pytest.fixture
def bench() -> Iterator[Bench]:
    rclpy.init(args=[], domain_id=own_domain())
    bench = Bench()
    yield bench
    bench.hand.server.destroy()
    bench.ours.destroy_node()
    bench.theirs.destroy_node()
    rclpy.shutdown()


def test_goals_come_one_at_a_time_and_the_last_target_is_the_last_goal(bench: Bench) -> None:
    writer, began_s = bench.writer(), time.monotonic()
    # A policy closes the hand in a second, by whole numbers of the driver: none but the last is its 0.
    bench.command(writer, [(100 - n) / 100 for n in range(100)])
    bench.command_until(writer, 0.0, lambda: bench.hand.done[-1:] == [0])
    assert bench.hand.most_at_once == 1
    assert bench.hand.begun == bench.hand.done, "none was interrupted"
    assert 2 <= len(bench.hand.begun) <= 1 + (time.monotonic() - began_s) / bench.hand.lasts_s
    begun = len(bench.hand.begun)
    bench.command(writer, [0.0, 0.004] * 20)
    assert len(bench.hand.begun) == begun, "an opening that does not change sends nothing"


def test_a_goal_is_cancelled_for_a_newer_target_where_the_settings_say_so(bench: Bench) -> None:
    writer = bench.writer(cancel=True)
    bench.hand.lasts_s = _FOREVER_S
    bench.command_until(writer, 1.0, lambda: bench.hand.begun == [100])
    bench.command(writer, [1.0] * 10)
    assert bench.hand.cancelled == 0, "the target is still the same"
    bench.hand.lasts_s = 0.05
    bench.command_until(writer, 0.2, lambda: bench.hand.done == [20])
    assert (bench.hand.most_at_once, bench.hand.cancelled) == (1, 1)


def test_a_goal_that_never_ends_holds_its_target_and_yields_to_a_new_one_in_the_end(bench: Bench) -> None:
    writer = bench.writer(patience_s=0.2)
    bench.hand.lasts_s = _FOREVER_S
    bench.command(writer, [0.0] * 60)
    assert (bench.hand.begun, bench.hand.cancelled) == ([0], 0), (
        "a hand that holds something goes on holding it"
    )
    bench.hand.lasts_s = 0.01
    bench.command_until(writer, 1.0, lambda: bench.hand.done == [100])
    assert (bench.hand.most_at_once, bench.hand.cancelled) == (1, 1)


def test_a_refused_goal_is_sent_again_and_a_newer_target_takes_its_place(bench: Bench) -> None:
    writer = bench.writer()
    bench.hand.refusals = 1
    bench.command_until(writer, 1.0, lambda: bench.hand.refusals == 0)
    bench.command_until(writer, 0.5, lambda: bool(bench.hand.done))
    assert bench.hand.begun == [50]


def test_a_server_that_comes_back_is_told_the_newest_target(bench: Bench) -> None:
    writer = bench.writer()
    bench.hand.lasts_s = _FOREVER_S
    bench.command_until(writer, 1.0, lambda: bench.hand.begun == [100])
    bench.hand.server.destroy()
    bench.command_until(writer, 0.3, lambda: not writer.heard())
    bench.command(writer, [0.3] * 12)
    bench.hand = Hand(bench.theirs)
    bench.command_until(writer, 0.0, lambda: bench.hand.done == [0])
    assert bench.hand.begun == [0]
