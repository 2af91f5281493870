"""Laws of the robot cell: who is not ready yet is asked again, and given up with the reason."""

from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_core.errors import ErrorCode, SegueError
from segue_interfaces.srv import Arm, StartRecording, StopRecording
from segue_ros import cell_services
from segue_ros.executor import NodeExecutor


class Pair:
    """A node with a cell, and a controller and a recorder that refuse so often with that code."""

    def __init__(self, refusals: int, code: ErrorCode) -> None:
        self.node, self.peer, self.asked = Node("asking"), Node("controller"), 0
        self._refusals, self._code = refusals, code
        self.peer.create_service(Arm, "segue/arm", self._on_arm)
        self.peer.create_service(StartRecording, "segue/record/start", self._on_start)
        self.peer.create_service(StopRecording, "segue/record/stop", self._on_stop)
        self.executor, self._other = NodeExecutor(), SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self._other.add_node(self.peer)
        self.cell = cell_services.Cell(self.node, "")

    def _on_arm(self, _: Arm.Request, response: Arm.Response) -> Arm.Response:
        self.asked += 1
        response.success = self.asked > self._refusals
        if not response.success:
            response.error_code, response.error_text = int(self._code), "no joint states received yet"
        return response

    def _on_start(
        self, _: StartRecording.Request, response: StartRecording.Response
    ) -> StartRecording.Response:
        self.asked += 1
        response.path = "runs/one"
        if self.asked <= self._refusals:
            response.error_code, response.error_text = int(self._code), "nobody has published /clock"
        return response

    def _on_stop(self, _: StopRecording.Request, response: StopRecording.Response) -> StopRecording.Response:
        response.path = "runs/one"
        return response

    def arm(self) -> None:
        self.finish(self.cell.arm, True)

    def finish(self, action: Any, *arguments: Any) -> Any:
        task = self.executor.create_task(action, *arguments)

        def done() -> bool:
            self.executor.spin_once(timeout_sec=0.01)
            return bool(task.done())

        spin_until(self._other, done)
        return task.result()


@pytest.fixture
def ros() -> Iterator[None]:
    rclpy.init(domain_id=own_domain())
    yield
    rclpy.shutdown()


def test_a_controller_that_has_not_heard_the_joints_is_asked_again_until_it_has(ros: None) -> None:
    """A run ended at once with 306 where discovery gave the controller its joint states a moment later."""
    pair = Pair(3, ErrorCode.CONTROL_STATE_STALE)
    pair.arm()
    assert pair.asked == 4


def test_another_refusal_is_the_answer(ros: None) -> None:
    pair = Pair(3, ErrorCode.CONTROL_EMERGENCY_STOP)
    with pytest.raises(SegueError, match="no joint states") as refusal:
        pair.arm()
    assert (refusal.value.code, pair.asked) == (ErrorCode.CONTROL_EMERGENCY_STOP, 1)


def test_patience_with_a_controller_that_hears_nothing_has_an_end(
    ros: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_services, "_JOINTS_S", 0.5)
    pair = Pair(1000, ErrorCode.CONTROL_STATE_STALE)
    with pytest.raises(SegueError, match="no joint states"):
        pair.arm()
    assert pair.asked > 1


def test_a_recorder_that_has_not_heard_the_clock_is_asked_again_until_it_has(ros: None) -> None:
    """A run once went on without a recording where discovery took a moment longer."""
    pair = Pair(2, ErrorCode.DATA_NOT_RECORDING)
    assert pair.finish(pair.cell.start_recording, "one", "pick_place", 0) == ""
    assert (pair.cell.bag_path, pair.asked) == ("runs/one", 3)


def test_a_recorder_that_refuses_is_the_reason_for_no_bag_and_is_not_stopped(ros: None) -> None:
    pair = Pair(1000, ErrorCode.DATA_DISK)
    assert "nobody has published" in pair.finish(pair.cell.start_recording, "one", "pick_place", 0)
    assert pair.finish(pair.cell.stop_recording, True, "success") == ""
    assert (pair.cell.bag_path, pair.asked) == ("", 1)


def test_a_recording_that_was_begun_without_an_answer_is_ended_and_found(
    ros: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stayed open until the graph ended, and the run was said to have no bag."""
    pair = Pair(0, ErrorCode.DATA_DISK)
    with monkeypatch.context() as patch:
        patch.setattr(cell_services, "_RECORDING_S", 0.5)
        patch.setattr(pair, "_other", SingleThreadedExecutor())  # nobody hears the recorder answer
        assert "no answer" in pair.finish(pair.cell.start_recording, "one", "pick_place", 0)
    assert pair.finish(pair.cell.stop_recording, True, "success") == ""
    assert pair.cell.bag_path == "runs/one"
