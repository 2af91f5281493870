"""The node of a progress estimator over real topics: five looks a second, and silence where it knows nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, KeyValue
from own_domain import own_domain
from policy_rig import ROBOT_FILE
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_core.action_space import DUAL_ARM_EE
from segue_core.contracts.robot import RobotConfig
from segue_core.observation import Observation
from segue_core.progress.estimator import EstimatorInfo, ProgressEstimator
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import Progress
from segue_policies.node.progress import EstimatorNode, EstimatorParameters
from segue_ros import conversions, qos, ticks

TOLD = "open the drawer"


@dataclass
class Counting:
    """Says in hundredths how many observations it has seen since the task began."""

    told: list[str] = field(default_factory=list)
    seen: list[Observation] = field(default_factory=list)
    info: EstimatorInfo = field(
        default_factory=lambda: EstimatorInfo("counting", ("head",), (16, 12), (TOLD,))
    )

    def begin(self, instruction: str) -> None:
        self.told.append(instruction)
        self.seen = []

    def estimate(self, observation: Observation) -> float:
        self.seen.append(observation)
        return len(self.seen) / 100


class CountingNode(EstimatorNode):
    """Serves it."""

    arrived = 0

    def _on_observation(self, message: ObservationMsg) -> None:
        super()._on_observation(message)
        self.arrived += 1

    def load(self, given: EstimatorParameters, robot: RobotConfig) -> ProgressEstimator:
        self.served = Counting()
        return self.served


class Rig:
    """The node, and those who tell it and hear it."""

    def __init__(self) -> None:
        self.node, self.peer, self.executor = CountingNode(), Node("scheduler"), SingleThreadedExecutor()
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.heard: list[Any] = []
        self.diagnoses: list[Any] = []
        self.peer.create_subscription(Progress, "segue/progress_estimate", self.heard.append, qos.STATE)
        self.peer.create_subscription(DiagnosticArray, "diagnostics", self.diagnoses.append, qos.STATE)
        self._tasks = self.peer.create_publisher(KeyValue, "segue/instruction", qos.LATCHED)
        self._out = self.peer.create_publisher(ObservationMsg, "segue/observation", qos.OBSERVATION)
        spin_until(
            self.executor,
            lambda: (
                self._out.get_subscription_count() > 0
                and self._tasks.get_subscription_count() > 0
                and self.peer.count_publishers("/segue/progress_estimate") > 0
            ),
        )

    def tell(self, run_id: str, instruction: str) -> None:
        self._tasks.publish(KeyValue(key=run_id, value=instruction))
        spin_until(self.executor, lambda: self.node._run_id == run_id)

    def show(self, tick: int, size: tuple[int, int] = (16, 12), due: bool = True) -> None:
        """Publish an observation; wait until it came, and for its estimate, if it is to have one."""
        before, came = len(self.heard), self.node.arrived
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        stamp = ticks.stamp_of(tick, 30.0)
        seen = Observation(tick, np.zeros(14, np.float32), {"head": picture})
        self._out.publish(conversions.observation_to_msg(seen, DUAL_ARM_EE, stamp, {"head": stamp}, 0.0))
        spin_until(self.executor, lambda: self.node.arrived > came and (not due or len(self.heard) > before))

    def close(self) -> None:
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()


@pytest.fixture
def rig() -> Iterator[Rig]:
    given = {"robot_file": ROBOT_FILE, "autostart": "false", "checkpoint": "none"}
    words = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *words], domain_id=own_domain())
    made = Rig()
    yield made
    made.close()
    rclpy.shutdown()


def test_it_begins_with_each_run_and_looks_five_times_a_second(rig: Rig) -> None:
    rig.show(3, due=False)  # nobody does anything yet
    rig.tell("run-1", TOLD)
    for tick in range(40, 60):
        rig.show(tick, due=(tick - 40) % 6 == 0)
    rig.tell("", "")
    rig.show(64, due=False)
    rig.tell("run-2", TOLD)
    rig.show(90)
    assert [(m.tick, m.source, m.done) for m in rig.heard] == [
        (t, "counting", False) for t in (40, 46, 52, 58, 90)
    ]
    assert [m.progress for m in rig.heard] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.01])
    assert rig.node.served.told[-2:] == [TOLD, TOLD]


@pytest.mark.parametrize("instruction", ["", "pour the tea"])
def test_an_instruction_that_it_does_not_know_makes_it_silent_and_it_says_so(
    rig: Rig, instruction: str
) -> None:
    rig.tell("run-1", instruction)
    for tick in range(12):
        rig.show(tick, due=False)
    rig.diagnoses.clear()
    spin_until(rig.executor, lambda: any("silent" in d.status[0].message for d in rig.diagnoses))
    values = {value.key: value.value for value in rig.diagnoses[-1].status[0].values}
    assert float(values["confidence"]) < 0.5
    assert rig.heard == []


def test_larger_pictures_are_made_smaller_and_smaller_ones_refused(rig: Rig) -> None:
    rig.tell("run-1", TOLD)
    rig.show(0, size=(32, 24))
    assert rig.node.served.seen[0].images["head"].shape == (12, 16, 3)
