"""Laws of bags that are played back: they feed the live graph, on every clock that `ros2 bag play` may give it.

The player here does what rosbag2's does (player.cpp): it publishes the stored bytes at their log times, under the bag's
quality of service, and with `--clock` its own time on /clock, 40 times a second, beside a /clock in the bag.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_domain import own_domain
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Reader
from spinning import spin_until

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("segue_interfaces.srv", reason="needs the built workspace")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402

from segue_core.contracts.robot import RobotConfig  # noqa: E402
from segue_core.contracts.task import TaskConfig  # noqa: E402
from segue_data.bags.definitions import typestore  # noqa: E402
from segue_data.bags.encoding import decode  # noqa: E402
from segue_data.bags.episode_writer import EpisodeWriter  # noqa: E402
from segue_data.bags.manifest import Manifest  # noqa: E402
from segue_data.bags.messages import build  # noqa: E402
from segue_data.bags.reader import first_stamp_ns, read, stamp_ns  # noqa: E402
from segue_data.bags.topic import Topic  # noqa: E402
from segue_data.bags.topics import CLOCK, CLOCK_TYPE, COMMAND, demonstration_topics, image_topic  # noqa: E402
from segue_data.contracts import config_folder  # noqa: E402
from segue_data.recording.lockstep import RecordingOptions, record_episode  # noqa: E402
from segue_data.testing import tiny_stage  # noqa: E402
from segue_interfaces.msg import Observation  # noqa: E402
from segue_perception.node.perception_node import PerceptionNode  # noqa: E402
from segue_perception.preprocess import resize  # noqa: E402
from segue_ros import qos, ticks  # noqa: E402

PICTURES = image_topic("head")
_PAUSE_S = 0.5  # much more than a sensor may be silent
EARLIER_NS = 1_700_000_000 * 10**9
"""Wall time of a recording of before, which is logged in it."""


@pytest.fixture(scope="module")
def bags(robot: RobotConfig, task: TaskConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One simulated run, as the recorder writes it now and as it did before simulated log times."""
    root = tmp_path_factory.mktemp("runs")
    record_episode(tiny_stage(robot, task), 7, root / "lockstep", RecordingOptions(settle_ticks=20))
    records = list(read(root / "lockstep"))
    now = EpisodeWriter(
        root / "now", {**demonstration_topics(robot.cameras), CLOCK: Topic(CLOCK_TYPE)}, wait=True
    )
    before = EpisodeWriter(root / "before", demonstration_topics(robot.cameras), wait=True)
    for record in records:
        late_ns = record.log_ns + 2_000_000
        if record.topic == COMMAND:
            stamp = build(
                "builtin_interfaces/msg/Time", sec=record.log_ns // 10**9, nanosec=record.log_ns % 10**9
            )
            word = typestore().serialize_cdr(build(CLOCK_TYPE, clock=stamp), CLOCK_TYPE)
            now.write(CLOCK, record.log_ns, word, EARLIER_NS + record.log_ns)
        now.write(record.topic, late_ns, record.data, EARLIER_NS + late_ns)
        before.write(record.topic, EARLIER_NS + late_ns, record.data)
    facts = Manifest(task="pick_place", robot=robot.name)
    return {"now": now.finish(facts), "before": before.finish(facts)}


class Player(Node):
    """`ros2 bag play BAG`, with `clock` also `--clock`."""

    def __init__(self, bag: Path, *, clock: bool) -> None:
        super().__init__("player", use_global_arguments=False)
        with Reader(bag) as reader:
            self._messages = [(at, link.topic, bytes(data)) for link, at, data in reader.messages()]
            self.publishers_made = {c.topic: self._publisher(c) for c in reader.connections}
        self._clock_out = self.create_publisher(Clock, CLOCK, 1) if clock else None

    def _publisher(self, connection: Any) -> Any:
        package, _, name = connection.msgtype.split("/")
        (offered,) = connection.ext.offered_qos_profiles
        profile = QoSProfile(depth=offered.depth)
        if offered.durability is QosDurability.TRANSIENT_LOCAL:
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
        kind = getattr(importlib.import_module(f"{package}.msg"), name)
        return self.create_publisher(kind, connection.topic, profile)

    def play(self, executor: SingleThreadedExecutor) -> None:
        """All of it, at its pace or as fast as the machine can, paused once; `executor` spins the nodes that listen."""
        began_s, first_ns = time.monotonic(), self._messages[0][0]
        clock_s = began_s
        for number, (at_ns, topic, data) in enumerate(self._messages):
            due_s = began_s + (at_ns - first_ns) * 1e-9
            if number == len(self._messages) // 2:
                until_s = time.monotonic() + _PAUSE_S
                while time.monotonic() < until_s:
                    executor.spin_once(timeout_sec=0.02)
            while (now_s := time.monotonic()) < due_s:
                if self._clock_out and now_s >= clock_s:
                    clock_s += 1 / 40
                    self._clock_out.publish(
                        Clock(clock=ticks.stamp(first_ns + round((now_s - began_s) * 1e9)))
                    )
                executor.spin_once(timeout_sec=min(due_s - now_s, 0.002))
            began_s += time.monotonic() - due_s  # never a burst
            self.publishers_made[topic].publish(data)
            for _ in range(3):  # who listens, and who listens to them
                executor.spin_once(timeout_sec=0.0)


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Iterator[SingleThreadedExecutor]:
    """One for the node under test and whoever is beside it; `request.param` is the node's `use_sim_time`."""
    robot_file = config_folder() / "robots" / "dual_arm.yaml"
    given = {"robot_file": robot_file, "use_sim_time": str(request.param).lower(), "autostart": "false"}
    options = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *options], domain_id=own_domain())
    executor = SingleThreadedExecutor()
    yield executor
    for node in executor.get_nodes():
        node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize(
    ("bag", "clock", "executor"),
    [
        pytest.param("now", False, False, id="as it is"),
        pytest.param("now", False, True, id="use_sim_time on the clock in the bag"),
        pytest.param("now", True, True, id="use_sim_time on the player's clock"),
        pytest.param("before", False, False, id="logged in wall time"),
        pytest.param("before", True, True, id="logged in wall time, use_sim_time on the player's clock"),
    ],
    indirect=["executor"],
)
def test_a_bag_that_is_played_back_feeds_perception_with_its_own_samples(
    bags: dict[str, Path], bag: str, clock: bool, executor: SingleThreadedExecutor
) -> None:
    perception, player = PerceptionNode(), Player(bags[bag], clock=clock)
    observations: list[Observation] = []
    player.create_subscription(Observation, "/segue/observation", observations.append, qos.OBSERVATION)
    for node in (perception, player):
        executor.add_node(node)
    perception.trigger_configure()
    perception.trigger_activate()
    wanted = [p for topic, p in player.publishers_made.items() if "joint_states" in topic or "image" in topic]
    spin_until(executor, lambda: all(publisher.get_subscription_count() for publisher in wanted))
    spin_until(executor, lambda: player.count_publishers("/segue/observation") == 1)
    player.play(executor)
    recorded = {
        first_stamp_ns(r.data): resize(decode(r.message().data, bag, "frame"), (96, 72))
        for r in read(bags[bag], frozenset({PICTURES}))
    }
    assert [o.tick for o in observations] == sorted({o.tick for o in observations})
    assert len(observations) >= len(recorded) / 2, perception._fault
    for observation in observations:
        picture = observation.images[list(observation.cameras).index("head")]
        taken_ns = stamp_ns(picture.header)
        assert abs(taken_ns - ticks.time_of(observation.tick, 30.0)) <= 50_000_000
        np.testing.assert_array_equal(
            np.asarray(picture.data, dtype=np.uint8).reshape(72, 96, 3), recorded[taken_ns]
        )
