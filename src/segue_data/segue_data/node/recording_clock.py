"""The clock of a recording: the wall clock, or the simulated one, which is then recorded, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from segue_data.bags.reader import first_stamp_ns
from segue_data.bags.topics import CLOCK
from segue_data.recording.receipts import Receipts
from segue_data.recording.simulated_time import SimulatedTime
from segue_ros.executor import waiting_messages

_PROFILE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=2000, reliability=ReliabilityPolicy.BEST_AVAILABLE
)


class RecordingClock:
    """Used from the node's thread.

    Args:
        node: the recorder; its parameter `use_sim_time` says which clock.
    """

    def __init__(self, node: Node) -> None:
        self._node, self._time = node, SimulatedTime()
        self._words: Any = None
        self.simulated = bool(node.get_parameter("use_sim_time").value)
        self.name = node.resolve_topic_name(CLOCK)  # under a namespace there may be another

    def listen(self, write: Callable[[int, bytes, int], None]) -> None:
        """Follow the simulated clock; its words go to `write`: log time [ns], bytes, wall time of receipt [ns]."""
        receipts = Receipts()

        def take(word: bytes, info: Mapping[str, Any]) -> None:
            clock_ns, wall_ns = first_stamp_ns(word), receipts.at(info)
            self._time.hear(wall_ns, clock_ns)
            write(clock_ns, word, wall_ns)

        self._take = take
        if self.simulated:
            self._words = self._node.create_subscription(Clock, CLOCK, take, _PROFILE, raw=True)

    @property
    def begun(self) -> bool:
        """Whether there is a time."""
        return self._time.begun or not self.simulated

    def hear(self) -> None:
        """Take what the clock has said before the messages that are looked at now."""
        if self._words is not None:
            for word, info in waiting_messages(self._words):
                self._take(word, info)

    def at(self, wall_ns: int) -> int:
        """The recording's time [ns] at a wall time [ns]; `hear` first."""
        return self._time.at(wall_ns) if self.simulated else wall_ns

    def close(self) -> None:
        """Listen no more."""
        if self._words is not None:
            self._node.destroy_subscription(self._words)
