"""Laws of the cameras node, over real topics, with a video file for every camera."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
import yaml
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until

from segue_perception.cameras_node import CamerasNode
from segue_ros import images, qos
from segue_ros.contracts import load_robot

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"
ROBOT = load_robot(str(ROBOT_FILE))


def _film(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (320, 240))
    for _ in range(3):
        writer.write(np.full((240, 320, 3), (40, 30, 200), np.uint8))  # BGR: red
    writer.release()


class Bench:
    """The cameras node and somebody who looks."""

    def __init__(self, folder: Path) -> None:
        self.film = folder / "film.avi"
        _film(self.film)
        cameras = {name: {"driver": "usb", "options": {"device": str(self.film)}} for name in ROBOT.cameras}
        self.set = folder / "cameras.yaml"
        self.set.write_text(yaml.safe_dump({"retry_s": 0.01, "cameras": cameras}))
        arguments = ["test", "--ros-args", "-p", f"robot_file:={ROBOT_FILE}", "-p", f"camera_set:={self.set}"]
        rclpy.init(args=[*arguments, "-p", "autostart:=false"], domain_id=own_domain())
        self.node, self.peer = CamerasNode(), Node("bench")
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.peer):
            self.executor.add_node(node)
        self.pictures: dict[str, list[Image]] = {name: [] for name in ROBOT.cameras}
        self.infos: list[CameraInfo] = []
        for name, seen in self.pictures.items():
            self.peer.create_subscription(Image, f"/{name}_camera/image_raw", seen.append, qos.SENSOR)
        self.peer.create_subscription(CameraInfo, "/head_camera/camera_info", self.infos.append, qos.SENSOR)

    def until(self, done: Callable[[], bool]) -> None:
        """Spins until `done`, or fails."""
        spin_until(self.executor, done)

    def close(self) -> None:
        """Takes everything down."""
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_pictures_and_calibration_are_those_that_the_contract_promises(bench: Bench) -> None:
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    bench.until(lambda: all(bench.pictures.values()) and bool(bench.infos))
    picture = bench.pictures["head"][0]
    contract = ROBOT.cameras["head"]
    assert (picture.width, picture.height) == (contract.width, contract.height)
    np.testing.assert_allclose(images.to_rgb(picture).mean((0, 1)), [200, 30, 40], atol=12)
    assert picture.header.frame_id == bench.infos[0].header.frame_id == "head_camera_optical_frame"
    assert bench.infos[0].k[2] == (contract.width - 1) / 2


def test_a_camera_that_is_unplugged_comes_back_by_itself(bench: Bench) -> None:
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    head = bench.node._cameras["head"]
    assert head.camera is not None
    bench.film.rename(bench.film.with_suffix(".gone"))
    head.camera._options = head.camera._options.model_copy(update={"loop": False})
    bench.until(lambda: head.error is not None)
    assert head.error is not None and int(head.error.code) == 501
    bench.film.with_suffix(".gone").rename(bench.film)
    bench.until(lambda: head.error is None)
    seen = len(bench.pictures["head"])
    bench.until(lambda: len(bench.pictures["head"]) > seen)
    assert head.losses >= 1


def test_a_camera_that_is_not_there_refuses_to_start_and_names_it(bench: Bench) -> None:
    bench.film.unlink()
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    text = str(bench.node._refusal)
    assert "501" in text and "camera 'left_wrist'" in text and "camera 'head'" in text
