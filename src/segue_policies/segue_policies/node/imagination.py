"""What a policy imagined, as pictures for people: each is shown when what it was imagined for is seen.

    answered at tick 10     imagines 14 18 22 26
    answered at tick 18     imagines       22 26 30 34       newer ones take the place of older
    seen                    14 18 22 ...                     the picture imagined for a tick, with its stamp

Nothing is decoded while nobody looks or records.
"""

from __future__ import annotations

from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

from segue_core.arrays import Rgb
from segue_core.policy import ImaginingPolicy, Policy
from segue_data.bags.topics import IMAGINED, image_topic
from segue_ros import images, qos


class Imagination:
    """Of a policy that offers pictures; of any other nothing is published.

    Args:
        do: runs something on the inference thread, after everything that was given to it before.
    """

    def __init__(self, node: LifecycleNode, policy: Policy, do: Callable[[Callable[[], None]], None]) -> None:
        self._policy, self._do = policy if isinstance(policy, ImaginingPolicy) else None, do
        self._waiting: dict[int, Rgb] = {}
        if self._policy:
            topic = image_topic(IMAGINED, "sensor_msgs/msg/Image").removeprefix("/")
            self._out = node.create_publisher(Image, topic, qos.SENSOR_SOURCE)

    def answered(self) -> None:
        """The policy has answered: ask what it expects to see, if anybody listens."""
        if self._policy and self._out.get_subscription_count():
            self._do(self._ask)

    def _ask(self) -> None:
        if self._policy:
            self._waiting = {**self._waiting, **self._policy.imagined()}

    def saw(self, tick: int, stamp: Time) -> None:
        """An observation came: show what was imagined for it, and forget what was for earlier ones."""
        picture = self._waiting.get(tick)
        self._waiting = {at: later for at, later in self._waiting.items() if at > tick}
        if picture is not None:
            self._out.publish(images.to_message(picture, "rgb8", stamp, IMAGINED))

    def forget(self) -> None:
        """Another task, or somebody else has the robot: what was imagined will not be."""
        self._waiting = {}
