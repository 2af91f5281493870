"""The rehearsal robot, which does wrong as it is told: `python -m tests.faults.rogue_robot`, with its parameters.

It hears on `TOLD` what to do, and says on `TRUTH` where its joints are, whatever it tells its driver.
"""

import json
import random
import sys
from dataclasses import asdict, dataclass
from enum import Enum

from diagnostic_msgs.msg import KeyValue
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from segue_ros import qos
from segue_ros.lifecycle import run
from segue_sim.node.rehearsal_node import RehearsalRobot
from segue_sim.rehearsal.trajectory_controller import TrajectoryController

TOLD, TRUTH = "tests/robot", "tests/joint_states"


class Wrong(Enum):
    """What it does."""

    NOTHING = "nothing"
    SILENT = "silent"  # tells no joint states
    FROZEN = "frozen"  # tells the last ones under fresh stamps
    NOT_FINITE = "not_finite"  # tells NaN for a joint
    DEAF = "deaf"  # takes no trajectories, as a controller that is not active
    CUT_OFF = "cut_off"  # neither tells nor takes anything
    PUT_BACK = "put_back"  # nothing; somebody has put its arm where it began
    LOSS = "loss"  # a share of `value` of all messages is lost, both ways


@dataclass(frozen=True)
class Mischief:
    """What it does from now on."""

    wrong: Wrong
    value: float = 0.0

    def to_json(self) -> str:
        """For the wire."""
        return json.dumps({**asdict(self), "wrong": self.wrong.value})

    @classmethod
    def from_json(cls, text: str) -> "Mischief":
        """From the wire."""
        given = json.loads(text)
        return cls(Wrong(given["wrong"]), float(given["value"]))


class RogueRobot(RehearsalRobot):
    """Node `arm_controller`."""

    def setup(self) -> None:
        """Builds the robot, and listens for what to do."""
        super().setup()
        self._mischief, self._dice, self._last = Mischief(Wrong.NOTHING), random.Random(1), JointState()
        self._truth = self.create_publisher(JointState, TRUTH, qos.JOINT_SOURCE)
        self.create_subscription(KeyValue, TOLD, self._on_told, qos.LATCHED)

    def publish_states(self) -> None:
        """The truth, and what the driver is told."""
        message = self.measured()
        self._truth.publish(message)
        told = self._told(message)
        if told is not None:
            self._states.publish(told)

    def _told(self, message: JointState) -> JointState | None:
        wrong = self._mischief.wrong
        if wrong in (Wrong.SILENT, Wrong.CUT_OFF) or self._loses():
            return None
        if wrong is Wrong.FROZEN:
            message.position, message.velocity = self._last.position, self._last.velocity
        elif wrong is Wrong.NOT_FINITE:
            message.position[1] = float("nan")
        self._last = message
        return message

    def _loses(self) -> bool:
        return self._mischief.wrong is Wrong.LOSS and self._dice.random() < self._mischief.value

    def _on_trajectory(self, message: JointTrajectory) -> None:
        if self._mischief.wrong not in (Wrong.DEAF, Wrong.CUT_OFF) and not self._loses():
            super()._on_trajectory(message)

    def _on_told(self, message: KeyValue) -> None:
        self._mischief = Mischief.from_json(message.value)
        if self._mischief.wrong is Wrong.PUT_BACK:
            self.world.reset(self.world.seed)
            self._targets = self.world.joint_positions()
            self._controller = TrajectoryController(
                self._targets, self._robot.physics_step_s, splices=False, from_desired=True
            )
        now_s = self.get_clock().now().nanoseconds * 1e-9
        self.get_logger().info(f"from now on {self._mischief.wrong.value}, at {now_s:.3f}")


if __name__ == "__main__":
    sys.exit(run(RogueRobot))
