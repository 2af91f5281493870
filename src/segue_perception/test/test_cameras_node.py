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
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from spinning import spin_until

from segue_core.contracts.base import parse_model
from segue_core.contracts.files import load_robot
from segue_perception.camera_files import load_camera_set
from segue_perception.node.cameras_node import CamerasNode
from segue_perception.node.topic_camera import TopicCameraOptions
from segue_ros import images, qos

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"
ROBOT = load_robot(str(ROBOT_FILE))


def _film(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (320, 240))
    for _ in range(3):
        writer.write(np.full((240, 320, 3), (40, 30, 200), np.uint8))  # BGR: red
    writer.release()


class Bench:
    """The cameras node and somebody who looks; `driver` and `options` are those of every camera."""

    def __init__(self, folder: Path, driver: str = "usb", options: str = "device: {film}") -> None:
        self.film = folder / "film.avi"
        _film(self.film)
        cameras = {
            name: {"driver": driver, "options": yaml.safe_load(options.format(film=self.film, camera=name))}
            for name in ROBOT.cameras
        }
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


class Driver:
    """Another program with pictures, as realsense2_camera is one: red, 320 x 240, stamped in 1970."""

    def __init__(self, bench: Bench, kind: type, model: str = "plumb_bob") -> None:
        self._bench, self._kind = bench, kind
        end = "/compressed" if kind is CompressedImage else ""
        peer = bench.peer
        self._pictures: list[Publisher] = [
            peer.create_publisher(kind, f"/camera/{name}/color/image_raw{end}", qos.SENSOR_SOURCE)
            for name in ROBOT.cameras
        ]
        self._infos: list[Publisher] = [
            peer.create_publisher(CameraInfo, f"/camera/{name}/color/camera_info", qos.SENSOR_SOURCE)
            for name in ROBOT.cameras
        ]
        self.info = CameraInfo(width=320, height=240, distortion_model=model, d=[0.1, 0.0, 0.0, 0.0, 0.0])
        self.info.k = [300.0, 0.0, 159.5, 0.0, 300.0, 119.5, 0.0, 0.0, 1.0]

    def until(self, done: Callable[[], bool], with_info: bool = True) -> None:
        """Publishes until something is so."""
        frame = np.full((240, 320, 3), (200, 30, 40), np.uint8)
        jpeg = cv2.imencode(".jpg", frame[..., ::-1])[1].tobytes()

        def send() -> bool:
            self.info.header.stamp.nanosec += 33_000_000
            carry = self.info.header.stamp
            carry.sec, carry.nanosec = carry.sec + carry.nanosec // 10**9, carry.nanosec % 10**9
            picture = (
                images.to_message(frame, "rgb8", carry, "theirs")
                if self._kind is Image
                else CompressedImage(format="jpeg", data=jpeg)
            )
            picture.header.stamp = carry
            for out in self._pictures:
                out.publish(picture)
            for out in self._infos if with_info else ():
                out.publish(self.info)
            return done()

        self._bench.until(send)


@pytest.mark.parametrize("kind", [Image, CompressedImage])
def test_pictures_of_another_programs_topics_come_out_as_the_contract_has_them(
    tmp_path: Path, kind: type
) -> None:
    end = "/compressed" if kind is CompressedImage else ""
    bench = Bench(tmp_path, "topic", "image: camera/{camera}/color/image_raw" + end)
    driver = Driver(bench, kind)
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    driver.until(lambda: all(bench.pictures.values()) and bool(bench.infos))
    contract, picture, info = ROBOT.cameras["head"], bench.pictures["head"][0], bench.infos[0]
    assert (picture.width, picture.height) == (contract.width, contract.height)
    np.testing.assert_allclose(images.to_rgb(picture).mean((0, 1)), [200, 30, 40], atol=12)
    assert picture.header.stamp.sec < 1000, "the stamp is the driver's"
    scale = contract.height / 240
    np.testing.assert_allclose([info.k[0], info.d[0]], [300.0 * scale, 0.1], rtol=1e-6)
    bench.close()


def test_what_another_program_lacks_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "topic", "image: camera/{camera}/color/image_raw")
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "nobody publishes /camera/head/color/image_raw" in str(bench.node._refusal)
    driver = Driver(bench, Image, model="equidistant")
    bench.node.trigger_configure()
    bench.node.trigger_activate()
    head = bench.node._cameras["head"]
    driver.until(lambda: head.error is not None, with_info=False)
    assert "no calibration on /camera/head/color/camera_info" in str(head.error)
    driver.until(lambda: "distortion model 'equidistant'" in str(head.error))
    assert not bench.pictures["head"]
    bench.close()


def test_pictures_under_our_own_names_are_left_to_the_program_that_sends_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "topic", "{{}}")
    assert bench.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert bench.node._cameras == {}
    bench.close()
    looped = Bench(tmp_path, "topic", "image: {camera}_camera/image_raw")
    assert looped.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "leave `image` out" in str(looped.node._refusal)
    looped.close()


CAMERAS = ROBOT_FILE.parent.parent / "cameras"


@pytest.mark.parametrize(("name", "robot"), [("rehearsal", "dual_arm"), ("franka_realsense_ros", "franka")])
def test_a_shipped_camera_set_has_the_cameras_of_its_robot(name: str, robot: str) -> None:
    path = ROBOT_FILE.with_stem(robot)
    contract = load_robot(str(path))
    found = load_camera_set(contract, str(path), name)
    assert found.description
    for source in found.cameras.values():
        parse_model(source.options, TopicCameraOptions, name)
    assert {file.stem for file in CAMERAS.glob("*.yaml")} == {"rehearsal", "franka_realsense_ros"}
