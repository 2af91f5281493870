"""The node of `policy:=scripted`: the task's expert, told the whole state of the simulator on /sim/state."""

import sys
import threading

from segue_core.contracts.files import load_file
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.policy import Policy
from segue_interfaces.msg import SimState
from segue_policies.node.base import Parameters, PolicyNode
from segue_policies.node.observations import Ring
from segue_ros import qos, ticks
from segue_ros.lifecycle import run
from segue_sim.node.sensor_messages import state_of
from segue_sim.scripted.policy import ScriptedPolicy
from segue_sim.snapshot import Snapshot

_KEPT = 30


class Inbox:
    """States by tick: put on the executor's thread, waited for on the inference thread."""

    def __init__(self, timeout_s: float) -> None:
        self._states: Ring[SimState] = Ring(_KEPT)
        self._changed = threading.Condition()
        self._timeout_s, self._empty = timeout_s, True

    def put(self, tick: int, message: SimState) -> None:
        """A new state."""
        with self._changed:
            self._states.add(tick, message)
            self._empty = False
            self._changed.notify_all()

    def at(self, tick: int) -> Snapshot | None:
        """The state at `tick`, waiting for it; None before any came at tick 0, when the node warms up."""
        with self._changed:
            if self._empty and tick == 0:
                return None
            self._changed.wait_for(
                lambda: self._states.get(tick) or self._states.passed(tick), self._timeout_s
            )
            message = self._states.get(tick)
            got = self._states.describe()
        if message is None:
            text, do = f"no state of the simulator for tick {tick}", "set its parameter publish_state to true"
            raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text, got=got, do=do)
        return state_of(message)


class ScriptedNode(PolicyNode):
    """Serves `ScriptedPolicy`."""

    looks = False  # it is told everything on /sim/state

    def load(self, given: Parameters, robot: RobotConfig) -> Policy:
        """Build the replica of the world."""
        if not given.task_file:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "the scripted policy needs the parameter task_file"
            )
        task = load_file(given.task_file, TaskConfig, "task")
        rate, inbox = robot.tick_rate_hz, Inbox(given.observation_timeout_s)

        def receive(message: SimState) -> None:
            inbox.put(ticks.nearest_tick(ticks.nanoseconds(message.header.stamp), rate), message)

        self.create_subscription(SimState, "sim/state", receive, qos.RECENT)
        return ScriptedPolicy(robot, task, inbox)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run(ScriptedNode))
