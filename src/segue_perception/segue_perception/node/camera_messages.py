"""Messages of the cameras node: the same topics and frames as the simulator's cameras."""

import math

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo

from segue_core.contracts.robot import CameraConfig
from segue_perception.camera_config import Intrinsics


def ideal(camera: CameraConfig) -> Intrinsics:
    """The pinhole of the contract: square pixels, centre in the middle. fy = (h / 2) / tan(fovy / 2).

    Pixel centres are at whole numbers, so the middle of w pixels is at (w - 1) / 2.
    """
    focal = camera.height / 2 / math.tan(math.radians(camera.fovy_deg) / 2)
    return Intrinsics(fx=focal, fy=focal, cx=(camera.width - 1) / 2, cy=(camera.height - 1) / 2)


def camera_info(frame: str, size: tuple[int, int], given: Intrinsics, stamp: Time) -> CameraInfo:
    """Calibration of pictures of `size` (width, height) [pixels] in the optical frame `frame`."""
    message = CameraInfo(width=size[0], height=size[1], distortion_model="plumb_bob")
    message.header.stamp, message.header.frame_id = stamp, frame
    message.d = list(given.distortion)
    message.k = [given.fx, 0.0, given.cx, 0.0, given.fy, given.cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [given.fx, 0.0, given.cx, 0.0, 0.0, given.fy, given.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
