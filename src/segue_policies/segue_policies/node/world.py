"""What a privileged policy is told: the whole state of the simulator on /sim/state."""

import threading

from rclpy.lifecycle import LifecycleNode

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PolicyError
from segue_core.history import History
from segue_interfaces.msg import SimState
from segue_ros import qos, ticks
from segue_sim.node.sensor_messages import state_of
from segue_sim.snapshot import Snapshot

_KEPT = 30


class Inbox:
    """States by tick: put on the executor's thread, waited for on the inference thread."""

    def __init__(self, timeout_s: float) -> None:
        self._states: History[SimState] = History((0,), _KEPT)
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


def world_of(node: LifecycleNode, robot: RobotConfig, timeout_s: float) -> Inbox:
    """The simulator's state by the robot's ticks, as `node` hears it."""
    rate_hz, inbox = robot.tick_rate_hz, Inbox(timeout_s)

    def receive(message: SimState) -> None:
        inbox.put(ticks.nearest_tick(ticks.nanoseconds(message.header.stamp), rate_hz), message)

    node.create_subscription(SimState, "sim/state", receive, qos.RECENT)
    return inbox
