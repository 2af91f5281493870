"""Whoever describes a real robot finds every option of its back end and cameras in docs/hardware-options.md."""

from pathlib import Path

from segue_control.hardware.franka import FrankaOptions
from segue_control.hardware.settings import TopicOptions
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.page import settings_fields, with_fields
from segue_perception.camera_config import CameraSet
from segue_perception.drivers.realsense import RealSenseOptions
from segue_perception.drivers.replay import ReplayOptions
from segue_perception.drivers.usb import UsbOptions
from segue_perception.node.topic_camera import TopicCameraOptions

PAGE = Path(__file__).resolve().parents[3] / "docs" / "hardware-options.md"
TITLES = {
    "Hardware file, or section `hardware` of a contract": HardwareConfig,
    "`options` of the back ends `ros2_control` and `topics`": TopicOptions,
    "`options` of the back end `franka`": FrankaOptions,
    "Camera set": CameraSet,
    "`options` of the camera driver `realsense`": RealSenseOptions,
    "`options` of the camera driver `usb`": UsbOptions,
    "`options` of the camera driver `replay`": ReplayOptions,
    "`options` of the camera driver `topic`": TopicCameraOptions,
}
REFRESH = "refresh it: python src/segue_perception/test/test_hardware_page.py"


def test_every_option_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_fields(page, settings_fields(TITLES)), REFRESH


def test_every_option_says_what_it_is() -> None:
    rows = [line for line in settings_fields(TITLES).splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


if __name__ == "__main__":
    PAGE.write_text(with_fields(PAGE.read_text(encoding="utf-8"), settings_fields(TITLES)), encoding="utf-8")
