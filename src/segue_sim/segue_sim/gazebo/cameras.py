"""Cameras of the contract as Gazebo sensors."""

import math
from xml.etree import ElementTree as xml

import numpy as np

from segue_core.contracts.robot import CameraConfig
from segue_sim.gazebo.geometry import Pose

_NEAR_M, _FAR_M = 0.01, 10.0


def image_topic(camera: str) -> str:
    """Where a camera's pictures are, in Gazebo and in ROS."""
    return f"/{camera}_camera/image_raw"


def info_topic(camera: str) -> str:
    """Where its calibration is."""
    return f"/{camera}_camera/camera_info"


def camera_pose(camera: CameraConfig) -> Pose:
    """The sensor's frame in its mount: x along the optical axis, z up in the picture (Gazebo's convention)."""
    forward = np.subtract(camera.look_at, camera.position)
    forward = forward / np.linalg.norm(forward)
    left = np.cross(camera.up, forward)
    left = left / np.linalg.norm(left)
    return Pose(
        np.column_stack([forward, left, np.cross(forward, left)]), np.array(camera.position, dtype=np.float64)
    )


def horizontal_fov_rad(camera: CameraConfig) -> float:
    """Gazebo asks for the horizontal angle; pixels are square."""
    half = math.tan(math.radians(camera.fovy_deg) / 2) * camera.width / camera.height
    return 2 * math.atan(half)


def sensor(name: str, camera: CameraConfig, optical_frame: str) -> xml.Element:
    """`<sensor>` with the contract's size, angle, rate and topics."""
    element = xml.Element("sensor", {"name": f"{name}_camera", "type": "camera"})
    texts = {"always_on": "true", "update_rate": f"{camera.rate_hz:g}", "topic": image_topic(name)}
    for tag, text in texts.items():
        xml.SubElement(element, tag).text = text
    lens = xml.SubElement(element, "camera", {"name": name})
    xml.SubElement(lens, "camera_info_topic").text = info_topic(name)
    xml.SubElement(lens, "optical_frame_id").text = optical_frame
    xml.SubElement(lens, "horizontal_fov").text = f"{horizontal_fov_rad(camera):.9g}"
    image = xml.SubElement(lens, "image")
    size = {"width": str(camera.width), "height": str(camera.height), "format": "R8G8B8"}
    for tag, text in size.items():
        xml.SubElement(image, tag).text = text
    clip = xml.SubElement(lens, "clip")
    xml.SubElement(clip, "near").text, xml.SubElement(clip, "far").text = f"{_NEAR_M}", f"{_FAR_M}"
    return element
