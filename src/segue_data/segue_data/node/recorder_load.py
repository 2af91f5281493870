"""The load of the benchmark: pictures, joints and commands in real time over ROS, into a recorder of its own process.

Run as a program: `python -m segue_data.node.recorder_load --root FOLDER --seconds 20`; prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from pydantic import Field
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState

from segue_core import wire
from segue_core.command_line.main import program
from segue_core.contracts.base import StrictModel
from segue_core.contracts.robot import RobotConfig
from segue_data.bags.manifest import load as manifest
from segue_data.bags.topics import COMMAND, JOINT_STATES
from segue_data.bench.pictures import HEIGHT, WIDTH, pictures
from segue_data.contracts import config_folder, load_robot
from segue_interfaces.msg import RobotCommand
from segue_interfaces.srv import StartRecording, StopRecording
from segue_ros import conversions, qos, ticks

CAMERA_HZ, JOINT_HZ = 30, 100
_RECORDER = "import sys; from segue_data.node.recorder_node import main; sys.argv[0] = 'recorder'; main()"
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def _cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and system [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class Load(Node):
    """Publishes on time; never catches up in a burst, and counts what it really published."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__("load")
        self._robot = robot
        self._images = {
            f"/{name}_camera/image_raw": self.create_publisher(
                Image, f"/{name}_camera/image_raw", qos.SENSOR_SOURCE
            )
            for name in robot.cameras
        }
        self._joints = self.create_publisher(JointState, JOINT_STATES, qos.JOINT_SOURCE)
        self._commands = self.create_publisher(RobotCommand, COMMAND, qos.COMMAND)
        self.start_client: Any = self.create_client(StartRecording, "/segue/record/start")
        self.stop_client: Any = self.create_client(StopRecording, "/segue/record/stop")
        self._pictures = [array("B", picture.tobytes()) for picture in pictures()]
        self._names = [*robot.joint_names, *robot.gripper_names]
        self.published: Counter[str] = Counter()
        self.busy_s = 0.0  # time spent publishing

    @property
    def pictures_sent(self) -> int:
        """Pictures published so far."""
        return sum(self.published[topic] for topic in self._images)

    def call(self, client: Any, request: Any) -> Any:
        """The answer of a service of the recorder."""
        if not client.wait_for_service(60.0):
            raise SystemExit("the recorder did not come up")
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self, future, timeout_sec=60.0)
        if not future.done() or not future.result().success:
            raise SystemExit(f"the recorder refused: {future.result()}")
        return future.result()

    def _everybody_listens(self) -> bool:
        return all(
            p.get_subscription_count() > 0 for p in (*self._images.values(), self._joints, self._commands)
        )

    def episode(self, name: str, seconds: float) -> Any:
        """Record one episode of load; the recorder's answer to the stop."""
        while not self._everybody_listens():
            time.sleep(0.05)
        self.call(self.start_client, StartRecording.Request(episode=name, task="pick_place", seed=0))
        began = time.monotonic()
        self._publish(seconds)
        self.busy_s += time.monotonic() - began
        for publisher in (*self._images.values(), self._joints, self._commands):
            publisher.wait_for_all_acked()
        return self.call(self.stop_client, StopRecording.Request(task_success=True))

    def _publish(self, seconds: float) -> None:
        begin = time.monotonic()
        first_tick = ticks.tick_of(time.time_ns(), CAMERA_HZ) + 1
        due = sorted(
            [(k / JOINT_HZ, 0, k) for k in range(round(seconds * JOINT_HZ))]
            + [(k / CAMERA_HZ, 1, k) for k in range(round(seconds * CAMERA_HZ))]
        )
        for at, kind, number in due:
            if (wait := begin + at - time.monotonic()) > 0:
                time.sleep(wait)
            stamp_ns = ticks.time_of(first_tick, CAMERA_HZ) + round(at * 1e9)
            if kind:
                self._tick(first_tick + number, number)
            else:
                self._joint_state(number, ticks.stamp(stamp_ns))

    def _joint_state(self, number: int, stamp: Any) -> None:
        q = 0.3 * np.sin(0.02 * number) * np.ones(len(self._names))
        message = JointState(name=self._names, position=q.tolist(), velocity=[0.0] * len(q))
        message.header.stamp = stamp
        self._joints.publish(message)
        self.published[JOINT_STATES] += 1

    def _tick(self, tick: int, number: int) -> None:
        stamp = ticks.stamp_of(tick, CAMERA_HZ)
        for index, (topic, publisher) in enumerate(self._images.items()):
            message = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH)
            message.header.stamp = stamp
            message.data = self._pictures[(number + 4 * index) % len(self._pictures)]
            publisher.publish(message)
            self.published[topic] += 1
        space = self._robot.action_space
        action = np.clip(np.full(space.dim, 0.2 * np.sin(0.02 * number)), space.low, space.high)
        command = wire.Command(tick, "load", action, hold=False, starved=False)
        self._commands.publish(conversions.command_to_msg(command, space, stamp))
        self.published[COMMAND] += 1


def measure(root: Path, seconds: float, episodes: int, *, compress: bool) -> dict[str, Any]:
    """Record and say what it took."""
    robot = load_robot("dual_arm")
    robot_file = config_folder() / "robots" / "dual_arm.yaml"
    options = [f"root:={root}", f"robot_file:={robot_file}", f"compress_images:={str(compress).lower()}"]
    arguments = ["--ros-args", *(word for option in options for word in ("-p", option))]
    recorder = subprocess.Popen([sys.executable, "-c", _RECORDER, *arguments], stderr=subprocess.DEVNULL)
    rclpy.init()
    load = Load(robot)
    try:
        load.call(load.start_client, StartRecording.Request(episode="warm_up"))
        load.call(load.stop_client, StopRecording.Request(discard=True))
        before, began = _cpu_s(recorder.pid), time.monotonic()
        answers = [load.episode(f"episode_{number:06d}", seconds / episodes) for number in range(episodes)]
        cpu, wall = _cpu_s(recorder.pid) - before, time.monotonic() - began
        memory = _memory_mb(recorder.pid)
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait(20)
        load.destroy_node()
        rclpy.shutdown()
    return _report(root, load, answers, cpu, wall, memory)


def _report(
    root: Path, load: Load, answers: list[Any], cpu: float, wall: float, memory: float
) -> dict[str, Any]:
    published = load.published
    written: Counter[str] = Counter()
    for answer in answers:
        for topic, count in manifest(Path(answer.path)).message_counts.items():
            written[topic.removesuffix("/compressed")] += count
    size = sum(file.stat().st_size for file in root.glob("*/*.mcap"))
    return {
        "published": sum(published.values()),
        "lost": sum(published[topic] - written[topic] for topic in published),
        "lost_by_topic": {t: published[t] - written[t] for t in published if published[t] != written[t]},
        "doubts": [a.error_text for a in answers if a.error_text],
        "offered_mb_s": load.pictures_sent * 3 * WIDTH * HEIGHT / load.busy_s / 1e6,
        "written_mb_s": size / load.busy_s / 1e6,
        "recorder_cpu_cores": cpu / wall,
        "recorder_peak_mb": memory,
        "seconds": load.busy_s,
        "bag_gb": size / 1e9,
    }


class LoadOptions(StrictModel):
    """Pictures, joints and commands in real time over ROS, into a recorder of its own process."""

    root: Path = Field(description="folder of the recordings")
    seconds: float = Field(default=20.0, gt=0, le=3600, description="length of all episodes [s]")
    episodes: int = Field(default=2, ge=1, le=1000, description="episodes")
    raw: bool = Field(default=False, description="record pictures as they are")


def run(options: LoadOptions) -> int:
    """Measure, and print one line of JSON."""
    print(json.dumps(measure(options.root, options.seconds, options.episodes, compress=not options.raw)))
    return 0


def main() -> int:
    """Entry point of the program."""
    return program(None, LoadOptions, run, "segue_data.node.recorder_load")


if __name__ == "__main__":
    sys.exit(main())
