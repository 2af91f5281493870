"""Laws of the recorder node, over DDS, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_domain import own_domain

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("segue_interfaces.srv", reason="needs the built workspace")

import numpy as np  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Image, JointState  # noqa: E402

from segue_core.errors import ErrorCode  # noqa: E402
from segue_data.bags import manifest  # noqa: E402
from segue_data.bags.definitions import typestore  # noqa: E402
from segue_data.bags.encoding import decode  # noqa: E402
from segue_data.bags.reader import first_stamp_ns, read, receipt_times  # noqa: E402
from segue_data.contracts import config_folder, load_robot  # noqa: E402
from segue_interfaces.msg import RobotCommand  # noqa: E402
from segue_interfaces.srv import StartRecording, StopRecording  # noqa: E402

PATIENCE_S = 60.0
START = "import sys; from segue_data.node.recorder_node import main; sys.argv[0] = 'recorder'; main()"
IMAGE = "/head_camera/image_raw"


class Recorder:
    """The node's process and a client of it."""

    def __init__(self, root: Path, *, simulated: bool = False) -> None:
        self.root = root
        robot = config_folder() / "robots" / "dual_arm.yaml"
        options = ["--ros-args", "-p", f"root:={root}", "-p", f"robot_file:={robot}"]
        options += ["-p", "use_sim_time:=true"] if simulated else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", START, *options]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.node = Node("test_recorder")
        self.start_client = self.node.create_client(StartRecording, "/segue/record/start")
        self.stop_client = self.node.create_client(StopRecording, "/segue/record/stop")
        self.commands = self.node.create_publisher(RobotCommand, "/segue/command", 50)
        self.images = self.node.create_publisher(Image, IMAGE, 50)
        self.first_answer = self.until_answered(
            self.start_client, StartRecording.Request(episode="../outside")
        )
        self.until_answered(self.stop_client, StopRecording.Request())

    def until_answered(self, client: Any, refused: Any) -> Any:
        """An answer is lost while the node has not found this client yet: ask for the impossible until one comes."""
        end = time.monotonic() + PATIENCE_S
        while not client.service_is_ready() or (answer := self.call(client, refused, 4.0)) is None:
            assert time.monotonic() < end, self.errors()
            rclpy.spin_once(self.node, timeout_sec=0.05)
        return answer

    def call(self, client: Any, request: Any, patience_s: float = PATIENCE_S) -> Any:
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self.node, future, timeout_sec=patience_s)
        return future.result() if future.done() else client.remove_pending_request(future)

    def begin(self, name: str) -> Any:
        return self.call(self.start_client, StartRecording.Request(episode=name, task="pick_place", seed=5))

    def end(self, **values: Any) -> Any:
        return self.call(self.stop_client, StopRecording.Request(**values))

    def publish(self, count: int) -> None:
        while self.commands.get_subscription_count() == 0 or self.images.get_subscription_count() == 0:
            rclpy.spin_once(self.node, timeout_sec=0.05)
        picture = np.full((192, 256, 3), 90, dtype=np.uint8)
        for tick in range(count):
            self.commands.publish(RobotCommand(tick=tick, action=[0.0] * 14))
            image = Image(height=192, width=256, encoding="rgb8", step=768, data=picture.tobytes())
            self.images.publish(image)
        assert self.commands.wait_for_all_acked() and self.images.wait_for_all_acked()

    def close(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def errors(self) -> str:
        self.process.kill()
        return self.process.stderr.read() if self.process.stderr else ""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """One process for all laws here; the last one ends it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(own_domain()))
        yield from _running(tmp_path_factory.mktemp("episodes"))


def _running(root: Path) -> Iterator[Recorder]:
    rclpy.init()
    running = Recorder(root)
    yield running
    running.close()
    running.node.destroy_node()
    rclpy.shutdown()


def test_what_is_published_between_start_and_stop_is_in_the_bag(recorder: Recorder) -> None:
    assert recorder.begin("first").path == str(recorder.root / "first")
    assert recorder.begin("second").error_code == int(ErrorCode.DATA_RECORDING_ACTIVE)
    recorder.publish(20)
    closed = recorder.end(task_success=True)
    assert closed.success and closed.lost == 0, closed.error_text
    records = list(read(recorder.root / "first"))
    commands = [r.message().tick for r in records if r.topic == "/segue/command"]
    pictures = [r.message().data for r in records if r.topic == IMAGE + "/compressed"]
    assert commands == list(range(20)) and len(pictures) == 20
    assert abs(int(decode(pictures[0], "bag", "frame").mean()) - 90) <= 1
    facts = manifest.load(recorder.root / "first")
    assert (facts.outcome, facts.seed, facts.robot) == ("success", 5, "dual_arm")


def test_bags_carry_the_type_hashes_of_the_live_messages(recorder: Recorder) -> None:
    (info,) = recorder.node.get_publishers_info_by_topic("/segue/command")
    assert str(info.topic_type_hash) == typestore().hash_rihs01("segue_interfaces/msg/RobotCommand")


def test_services_refuse_with_a_code_and_a_text(recorder: Recorder) -> None:
    idle, outside = recorder.end(), recorder.begin("../outside")
    long = recorder.begin(
        "\N{GRINNING FACE}" * 100
    )  # 400 bytes: more than a file system takes; it ended the node
    assert (idle.error_code, outside.error_code, long.error_code) == (
        ErrorCode.DATA_NOT_RECORDING,
        ErrorCode.DATA_PATH_REFUSED,
        ErrorCode.DATA_PATH_REFUSED,
    )
    assert idle.error_text and outside.error_text and long.error_text


def test_a_recorder_that_is_asked_again_answers_again_and_does_nothing_twice(recorder: Recorder) -> None:
    first, again = recorder.begin("asked"), recorder.begin("asked")
    assert (again.success, again.path) == (True, first.path)
    recorder.publish(3)
    closed, again = recorder.end(task_success=True), recorder.end(task_success=True)
    assert closed.success and again == closed
    assert recorder.begin("asked").error_code  # a new episode of that name is no repetition
    assert recorder.begin("next").success and recorder.end(task_success=True).path.endswith("next")


def test_a_stop_that_is_asked_again_while_the_robot_comes_to_rest_never_ends_the_next_recording(
    recorder: Recorder,
) -> None:
    """Of a graph with goal after goal every second recording was closed after a second, without a command in it."""
    recorder.begin("before")
    request = StopRecording.Request(task_success=True)
    asked = recorder.stop_client.call_async(request)
    rclpy.spin_until_future_complete(recorder.node, asked, timeout_sec=0.3)
    again = recorder.stop_client.call_async(request)
    rclpy.spin_until_future_complete(recorder.node, asked)
    assert recorder.begin("after").success
    rclpy.spin_until_future_complete(recorder.node, again)
    assert again.result() == asked.result()
    recorder.publish(5)
    closed = recorder.end(task_success=True)
    assert closed.success and closed.path == str(recorder.root / "after")
    assert sum(record.topic == "/segue/command" for record in read(recorder.root / "after")) == 5


def test_a_recording_ends_when_the_measured_robot_rests(recorder: Recorder) -> None:
    names = load_robot("dual_arm").joint_names
    joints = recorder.node.create_publisher(JointState, "/joint_states", 50)
    assert recorder.begin("braking").success
    while joints.get_subscription_count() == 0:
        rclpy.spin_once(recorder.node, timeout_sec=0.05)
    asked = recorder.stop_client.call_async(StopRecording.Request(task_success=True))
    for step in range(2000):  # 0.8 rad/s and less and less, at rest from step 80 on
        speeds = [0.0] * (len(names) - 1) + [max(0.0, 0.8 - 0.01 * step)]
        message = JointState(name=names, position=[0.0] * len(names), velocity=speeds)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(step * 10_000_000, 10**9)
        joints.publish(message)
        rclpy.spin_once(recorder.node, timeout_sec=0.01)
        if asked.done():
            break
    assert asked.done() and asked.result().success
    recorded = [r.message() for r in read(recorder.root / "braking") if r.topic == "/joint_states"]
    assert max(recorded[0].velocity) > 0.01 and max(recorded[-1].velocity) < 0.01


def test_a_terminated_recorder_closes_its_episode_and_exits_cleanly(recorder: Recorder) -> None:
    recorder.begin("ended")
    recorder.publish(3)
    assert recorder.close() == 0
    assert manifest.load(recorder.root / "ended").outcome == "aborted"
    assert all(record.message() for record in read(recorder.root / "ended"))


def test_a_simulated_run_is_logged_in_simulated_time_with_its_clock_and_when_everything_came(
    recorder: Recorder, tmp_path: Path
) -> None:
    """Played back, `/clock` was decades from the stamps; a recorder without a clock says so."""
    simulated = Recorder(tmp_path, simulated=True)
    try:
        assert "nobody has published /clock" in simulated.first_answer.error_text
        clock = simulated.node.create_publisher(Clock, "/clock", 10)
        told = Clock()
        while clock.get_subscription_count() < 2:  # the recording, and the node's own time
            rclpy.spin_once(simulated.node, timeout_sec=0.05)
        clock.publish(told)
        assert simulated.begin("simulated").success
        began_ns = time.time_ns()
        for tick in range(1, 31):
            told.clock.sec, told.clock.nanosec = divmod(100 * 10**9 + tick * 10**9 // 30, 10**9)
            clock.publish(told)
            simulated.publish(1)
            time.sleep(0.01)
        assert clock.wait_for_all_acked() and simulated.end(task_success=True).success
        bag, ended_ns = tmp_path / "simulated", time.time_ns()
        words = [(r.log_ns, first_stamp_ns(r.data)) for r in read(bag, frozenset({"/clock"}))]
        assert len(words) >= 30 and all(log_ns == said for log_ns, said in words)
        logged = [r.log_ns for r in read(bag, frozenset({"/segue/command"}))]
        ticks = [100 * 10**9 + tick * 10**9 // 30 for tick in range(1, 31)]
        assert len(logged) == 30 and all(
            0 <= log - tick <= 10**9 // 29 for log, tick in zip(logged, ticks, strict=True)
        )
        received = receipt_times(bag, "/segue/command")
        assert received == sorted(received) and began_ns < received[0] < received[-1] < ended_ns
    finally:
        simulated.close()
        simulated.node.destroy_node()
