"""The driver `topic`: another program takes the pictures, such as realsense2_camera, under names of its own."""

import time
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.errors import ConfigError, ErrorCode, PerceptionError
from segue_perception.camera import CameraFrame
from segue_perception.camera_config import Intrinsics
from segue_perception.colours import decompressed, to_rgb
from segue_perception.drivers.base import NamedCamera
from segue_ros import qos, ticks

_COMPRESSED = "/compressed"  # as image_transport calls it
_MODELS = ("", "plumb_bob")
_INTRINSICS = "give `intrinsics` in the camera's settings (docs/hardware.md)"
_PATIENCE_NS = 2_000_000_000  # pictures may come for so long before their calibration


class TopicCameraOptions(StrictModel):
    """Options of the driver `topic`. Without a slash in front a topic is in the node's namespace."""

    image: str = Field(
        default="",
        description="topic with the pictures, compressed ones where it ends in /compressed; empty: the program "
        "publishes under this camera's own names, at the contract's size",
    )
    info: str = Field(
        default="", description="topic with their calibration; empty: camera_info beside the pictures"
    )


class TopicCamera(NamedCamera):
    """See `Camera`; lives in its node's thread. Stamps are the program's own.

    Args:
        calibrated: the settings have the calibration, so nobody has to publish one.
    """

    def __init__(self, node: Node, name: str, options: TopicCameraOptions, *, calibrated: bool) -> None:
        super().__init__(name, lambda: int(node.get_clock().now().nanoseconds))
        self._node, self._topic = node, image_topic(node, name, options)
        if not node.count_publishers(self._topic):
            raise PerceptionError(ErrorCode.FRAME_MISSING, _nobody(node, name, self._topic))
        self.intrinsics: Intrinsics | None = None
        self._frame: CameraFrame | None = None
        self._error: PerceptionError | None = None
        self._first_ns: int | None = None
        self._waits = not calibrated
        self._info = node.resolve_topic_name(options.info) if options.info else _beside(self._topic)
        kind: Any = CompressedImage if self._topic.endswith(_COMPRESSED) else Image
        self._subscriptions = [node.create_subscription(kind, self._topic, self._on_image, qos.SENSOR)]
        if self._waits:
            self._subscriptions.append(
                node.create_subscription(CameraInfo, self._info, self._on_info, qos.SENSOR)
            )

    def read(self) -> CameraFrame | None:
        """The newest picture since the last call; PerceptionError when one cannot be read, or has no calibration."""
        if self._error is not None:
            raise self._error
        frame, self._frame = self._frame, None
        return frame

    def close(self) -> None:
        """Listens no more."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _on_image(self, message: Any) -> None:
        stamp_ns = ticks.nanoseconds(message.header.stamp)
        self._first_ns = stamp_ns if self._first_ns is None else self._first_ns
        if self._waits and self.intrinsics is None:
            if stamp_ns - self._first_ns > _PATIENCE_NS:
                text = f"pictures come on {self._topic} and no calibration on {self._info}"
                self._fail(ErrorCode.FRAME_MISSING, text, _INTRINSICS)
            return
        try:
            image = decompressed(message.data) if isinstance(message, CompressedImage) else to_rgb(message)
        except PerceptionError as error:
            self._fail(error.code, f"{self._topic}: {error.text}")
            return
        self._take_size(image)
        self._frame = CameraFrame(image, stamp_ns)

    def _on_info(self, message: CameraInfo) -> None:
        try:
            self.intrinsics = calibration(message, self._info)
        except PerceptionError as error:
            self._fail(error.code, error.text, _INTRINSICS)

    def _fail(self, code: ErrorCode, text: str, do: str = "") -> None:
        self._error = PerceptionError(code, f"camera '{self.name}': {text}", do=do)


def calibration(message: CameraInfo, source: str) -> Intrinsics:
    """The calibration that a camera's program publishes on `source`.

    Raises:
        PerceptionError: another distortion than plumb_bob, no focal length, or numbers that no camera has.
    """
    if message.distortion_model not in _MODELS:
        text = f"{source}: distortion model {message.distortion_model!r:.100}, not plumb_bob"
        raise PerceptionError(ErrorCode.FRAME_ENCODING, text)
    fx, _, cx, _, fy, cy, *_ = (float(value) for value in message.k)
    if fx <= 0.0 or fy <= 0.0:
        text = f"{source}: the camera is not calibrated (no focal length)"
        raise PerceptionError(ErrorCode.FRAME_MISSING, text)
    values = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "distortion": tuple(message.d) or (0.0,) * 5}
    try:
        return parse_model(values, Intrinsics, source)
    except ConfigError as error:
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, f"{error.text}") from error


def image_topic(node: Node, name: str, options: TopicCameraOptions) -> str:
    """Where the pictures come from, by its full name; raises ConfigError when that is where they are to be put."""
    topic = node.resolve_topic_name(options.image)
    if topic.removesuffix(_COMPRESSED) == node.resolve_topic_name(f"{name}_camera/image_raw"):
        text = f"camera '{name}': its pictures come on {topic}, where they belong"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="leave `image` out")
    return topic


def _beside(image: str) -> str:
    """`/a/image_raw` and `/a/image_raw/compressed` have `/a/camera_info`."""
    return image.removesuffix(_COMPRESSED).rpartition("/")[0] + "/camera_info"


def _nobody(node: Node, name: str, topic: str) -> str:
    kinds = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
    found = [there for there, types in node.get_topic_names_and_types() if set(types) & set(kinds)]
    others = sorted(there for there in found if node.count_publishers(there))
    there = f"pictures come on {', '.join(others)}" if others else "nobody publishes any pictures"
    return (
        f"camera '{name}': nobody publishes {topic}; is its driver running, on this ROS domain? Now {there}"
    )


def await_publishers(node: Node, topics: Sequence[str], patience_s: float) -> None:
    """Gives the programs that publish `topics` time to be found; returns when all are, or time is up."""
    end_s = time.monotonic() + patience_s
    while not all(node.count_publishers(topic) for topic in topics) and time.monotonic() < end_s:
        time.sleep(0.05)
