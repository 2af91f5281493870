"""A topic of a recording: what writes it, and what only names it, need nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rosbags.interfaces import Qos

from segue_data.bags.qos import RELIABLE


@dataclass(frozen=True)
class Topic:
    """A topic to record: ROS type name (`package/msg/Name`) and the QoS its publisher offers.

    With `transform` the bytes written are what it makes of the bytes given (in the writer's thread); messages
    that it refuses with a ValueError are dropped and counted. `type_name` is then the type of its result.
    """

    type_name: str
    qos: Qos = RELIABLE
    transform: Callable[[bytes], bytes] | None = None
