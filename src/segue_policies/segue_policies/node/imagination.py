"""What a policy imagined, as pictures for people: each has the stamp of the observation that it was imagined for.

    asked at tick 10      imagines 14 18 22 26      the answer is there at tick 19
    at once               14 18                     late: what they were imagined for was seen already
    when they are seen          22 26               unless a newer answer has imagined them anew

Of a tick one picture is shown. Nothing is decoded while nobody looks or records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

from segue_core.arrays import Rgb
from segue_core.policy import ImaginingPolicy, Policy
from segue_data.bags.topics import IMAGINED, image_topic
from segue_ros import images, qos

_KEPT = 2048  # ticks whose stamps are known: longer than a chunk and its answer take


class Imagination:
    """Of a policy that offers pictures; of any other nothing is published. For two threads: observations and answers.

    Args:
        do: runs something on the inference thread, after everything that was given to it before.
    """

    def __init__(self, node: LifecycleNode, policy: Policy, do: Callable[[Callable[[], None]], None]) -> None:
        self._policy, self._do = policy if isinstance(policy, ImaginingPolicy) else None, do
        self._lock, self._age, self._newest = Lock(), 0, -1
        self._waiting: dict[int, Rgb] = {}
        self._unshown: dict[int, Time] = {}  # stamps of ticks that were seen without a picture
        if self._policy:
            topic = image_topic(IMAGINED, "sensor_msgs/msg/Image").removeprefix("/")
            self._out = node.create_publisher(Image, topic, qos.SENSOR_SOURCE)

    def answered(self) -> None:
        """The policy has answered: ask what it expects to see, if anybody listens."""
        policy, age = self._policy, self._age
        if policy and self._out.get_subscription_count():
            self._do(lambda: self._imagined(policy.imagined(), age))

    def saw(self, tick: int, stamp: Time) -> None:
        """An observation came: show what was imagined for it, and forget what was for earlier ones that nobody saw."""
        if not self._policy:
            return
        with self._lock:
            if tick < self._newest:  # ticks are counted anew
                self._unshown = {}
            picture, self._newest = self._waiting.pop(tick, None), tick
            self._waiting = {at: later for at, later in self._waiting.items() if at > tick}
            if picture is not None:
                self._show(picture, stamp)
                return
            self._unshown[tick] = stamp
            while len(self._unshown) > _KEPT:
                del self._unshown[next(iter(self._unshown))]

    def forget(self) -> None:
        """Another task, or somebody else has the robot: what was imagined will not be, nor what is being decoded."""
        with self._lock:
            self._age += 1
            self._waiting = {}

    def _imagined(self, pictures: Mapping[int, Rgb], age: int) -> None:
        with self._lock:
            if age != self._age:
                return
            for tick, picture in pictures.items():
                stamp = self._unshown.pop(tick, None)
                if stamp is not None:
                    self._show(picture, stamp)
                elif tick > self._newest:
                    self._waiting[tick] = picture

    def _show(self, picture: Rgb, stamp: Time) -> None:
        self._out.publish(images.to_message(picture, "rgb8", stamp, IMAGINED))
