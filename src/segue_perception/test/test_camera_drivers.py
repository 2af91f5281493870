"""Laws of the camera drivers, on real video files, recordings and RealSense's own software device."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from segue_core.errors import ConfigError, ErrorCode, PerceptionError
from segue_perception import drivers
from segue_perception.camera import Camera, CameraFrame
from segue_perception.camera_config import Intrinsics
from segue_perception.drivers.realsense import RealSenseCamera
from segue_perception.framing import Framing
from segue_perception.reconnect import ReconnectingCamera

RED, BLUE = np.array([200, 30, 40], np.uint8), np.array([40, 30, 200], np.uint8)
WIDTH, HEIGHT = 64, 48


def _picture(colour: np.ndarray) -> np.ndarray:
    return np.broadcast_to(colour, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def _next(camera: Camera) -> CameraFrame:
    """Real cameras send when they like."""
    end = time.monotonic() + 60.0
    while (frame := camera.read()) is None:
        assert time.monotonic() < end, "no frame came"
        time.sleep(0.002)
    return frame


def _frames(camera: Camera, count: int) -> list[CameraFrame]:
    return [_next(camera) for _ in range(count)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 100.0, (WIDTH, HEIGHT))
    for colour in (RED, BLUE, BLUE):
        writer.write(_picture(colour)[:, :, ::-1])
    writer.release()
    return path


@pytest.fixture(params=["raw", "compressed"])
def bag(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    store = get_typestore(Stores.ROS2_KILTED)
    types = store.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "head")
    raw = request.param == "raw"
    kind = "sensor_msgs/msg/Image" if raw else "sensor_msgs/msg/CompressedImage"
    path = tmp_path / "bag"
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = "/head_camera/image_raw" + ("" if raw else "/compressed")
        link = writer.add_connection(topic, kind, typestore=store)
        for index, colour in enumerate((RED, BLUE, RED)):
            data = _picture(colour)
            if raw:
                message = types[kind](header, HEIGHT, WIDTH, "rgb8", 0, WIDTH * 3, data.ravel())
            else:
                message = types[kind](header, "jpeg", cv2.imencode(".jpg", data[:, :, ::-1])[1].ravel())
            writer.write(link, 10**9 + index * 10**7, store.serialize_cdr(message, kind))
    return path


@pytest.fixture
def opened() -> Iterator[list[Camera]]:
    cameras: list[Camera] = []
    yield cameras
    for camera in cameras:
        camera.close()
        camera.close()


def test_a_video_file_is_a_camera_in_rgb_that_begins_anew(video: Path, opened: list[Camera]) -> None:
    camera = drivers.create("usb", "head", {"device": str(video)}, lambda: 7)
    opened.append(camera)
    assert (camera.name, camera.size) == ("head", (WIDTH, HEIGHT))
    means = [_next(camera) for _ in range(4)]
    for frame in means:
        nearest = min((RED, BLUE), key=lambda c: np.abs(frame.image.mean((0, 1)) - c).max())
        np.testing.assert_allclose(frame.image.mean((0, 1)), nearest, atol=12)
        assert frame.stamp_ns == 7


def test_a_video_file_that_is_over_is_a_camera_that_is_lost(video: Path, opened: list[Camera]) -> None:
    camera = drivers.create("usb", "head", {"device": str(video), "loop": False}, lambda: 0)
    opened.append(camera)
    with pytest.raises(PerceptionError, match="is over") as lost:
        _frames(camera, 9)
    assert lost.value.code is ErrorCode.FRAME_MISSING


def test_a_camera_that_is_not_there_says_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(PerceptionError, match=r"cannot be opened.*v4l2-ctl") as missing:
        drivers.create("usb", "head", {"device": str(tmp_path / "none.mp4")}, lambda: 0)
    assert missing.value.code is ErrorCode.FRAME_MISSING


def test_a_recording_plays_again_raw_or_compressed(bag: Path, opened: list[Camera]) -> None:
    camera = drivers.create("replay", "head", {"bag": str(bag)}, lambda: 9)
    opened.append(camera)
    assert camera.size == (WIDTH, HEIGHT)
    seen = [_next(camera) for _ in range(4)]
    colours = {int(np.argmax(frame.image.mean((0, 1)))) for frame in seen}
    assert colours <= {0, 2} and seen[0].stamp_ns == 9


def test_a_recording_without_the_camera_is_refused_with_its_topic(bag: Path) -> None:
    with pytest.raises(PerceptionError, match="no pictures on /wrist_camera/image_raw"):
        drivers.create("replay", "wrist", {"bag": str(bag)}, lambda: 0)


def test_an_unknown_driver_and_a_misspelt_option_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'realsense'.*replay, usb|realsense"):
        drivers.create("realsens", "head", {}, lambda: 0)
    with pytest.raises(ConfigError, match="did you mean 'device'"):
        drivers.create("usb", "head", {"devise": "0"}, lambda: 0)


def test_a_frame_is_cut_around_its_centre_and_its_calibration_with_it() -> None:
    framing = Framing((640, 480), (256, 192))
    assert framing.box == (0, 0, 640, 480)
    wide = Framing((1280, 720), (256, 192))
    assert wide.box == (160, 0, 960, 720)
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[356:364, 156:164] = 255  # on the edge of the part that is used
    assert wide.picture(frame)[96, 0].mean() > wide.picture(frame)[96, 4].mean()
    known = wide.intrinsics(Intrinsics(fx=900.0, fy=900.0, cx=639.5, cy=359.5))
    assert (known.fx, known.cx, known.cy) == pytest.approx((240.0, 127.5, 95.5))


class _Scripted:
    """A camera that does what the test says: a frame, nothing, or an unplugged cable."""

    name, size = "head", (4, 4)

    def __init__(self) -> None:
        self.plugged, self.sends, self.closed = True, True, 0

    def open(self) -> "_Scripted":
        if not self.plugged:
            raise PerceptionError(ErrorCode.FRAME_MISSING, "not there")
        return self

    def read(self) -> CameraFrame | None:
        if not self.plugged:
            raise PerceptionError(ErrorCode.FRAME_MISSING, "unplugged")
        return CameraFrame(np.zeros((4, 4, 3), np.uint8), 1) if self.sends else None

    def close(self) -> None:
        self.closed += 1


def test_an_unplugged_camera_is_opened_again_when_it_is_back() -> None:
    device = _Scripted()
    camera = ReconnectingCamera("head", device.open, silence_s=1.0, retry_s=0.5)
    camera.open(0.0)
    assert camera.read(0.1) is not None
    device.plugged = False
    assert camera.read(0.2) is None and "unplugged" in str(camera.error)
    assert camera.read(0.8) is None and "not there" in str(camera.error)
    device.plugged = True
    assert camera.read(1.0) is None, "it is not hammered"
    camera.read(1.4)
    assert camera.read(1.5) is not None
    assert (camera.error, camera.losses, device.closed) == (None, 1, 1)


def test_a_camera_that_falls_silent_is_closed_and_opened_again() -> None:
    device = _Scripted()
    camera = ReconnectingCamera("head", device.open, silence_s=1.0, retry_s=0.5)
    camera.open(0.0)
    device.sends = False
    assert [camera.read(t) for t in (0.5, 0.9, 1.1)] == [None] * 3
    assert camera.error is not None and camera.error.code is ErrorCode.FRAME_STALE


class _Device:
    """librealsense's own software device: everything but the cable is real."""

    def __init__(self, rs: Any) -> None:
        self._rs, self.device = rs, rs.software_device()
        self.sensor = self.device.add_sensor("Colour")
        stream, known = rs.video_stream(), rs.intrinsics()
        stream.type, stream.fmt = rs.stream.color, rs.format.rgb8
        stream.width, stream.height, stream.fps, stream.bpp, stream.uid = WIDTH, HEIGHT, 30, 3, 1
        known.width, known.height, known.fx, known.fy, known.ppx, known.ppy = (
            WIDTH,
            HEIGHT,
            60.0,
            61.0,
            31.5,
            23.5,
        )
        known.coeffs = [0.0] * 5
        stream.intrinsics = known
        self._profile = self.sensor.add_video_stream(stream)

    def film(self, frames: int) -> None:
        """Pictures that get brighter, a millisecond apart."""
        for number in range(frames):
            frame = self._rs.software_video_frame()
            frame.pixels = np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8)
            frame.bpp, frame.stride = 3, WIDTH * 3
            frame.timestamp, frame.frame_number = 1000.0 + number, number
            frame.domain = self._rs.timestamp_domain.system_time
            frame.profile = self._profile.as_video_stream_profile()
            self.sensor.on_video_frame(frame)

    def start(self, queue: Any) -> Callable[[], None]:
        """For `RealSenseCamera`: two frames in a queue."""
        self.sensor.open(self._profile)
        self.sensor.start(queue)
        self.film(2)
        return self.sensor.stop  # type: ignore[no-any-return]

    def record(self, path: Path) -> None:
        """Five frames in a file."""
        recorder = self._rs.recorder(str(path), self.device)
        sensor = recorder.query_sensors()[0]
        sensor.open(sensor.get_stream_profiles()[0])
        sensor.start(self._rs.frame_queue(5))
        self.film(5)
        sensor.stop()
        sensor.close()


@pytest.fixture
def rs() -> Any:
    reason = "pip install --no-deps -r requirements/hardware.txt, and the system's libusb-1.0-0"
    return pytest.importorskip("pyrealsense2", reason=reason)


def test_a_realsense_gives_its_newest_frame_with_its_own_stamp_and_calibration(
    rs: Any, opened: list[Camera]
) -> None:
    camera = RealSenseCamera("head", rs, _Device(rs).start, lambda: 5)
    opened.append(camera)
    assert camera.size == (WIDTH, HEIGHT)
    frame = _next(camera)
    assert (frame.image[0, 0, 0], frame.stamp_ns) == (10, 1_001_000_000)
    assert (camera.intrinsics.fx, camera.intrinsics.cy) == (60.0, 23.5)
    assert camera.read() is None


def test_a_realsense_recording_is_a_camera_of_now(rs: Any, tmp_path: Path, opened: list[Camera]) -> None:
    _Device(rs).record(tmp_path / "film.db3")
    camera = drivers.create("realsense", "head", {"file": str(tmp_path / "film.db3")}, lambda: 5)
    opened.append(camera)
    frame = _next(camera)
    assert frame.image.shape == (HEIGHT, WIDTH, 3) and frame.image.std() == 0
    assert frame.stamp_ns == 5


def test_a_realsense_that_is_not_connected_is_named(rs: Any) -> None:
    with pytest.raises(PerceptionError, match=r"RealSense 123 not found.*USB 3"):
        drivers.create("realsense", "head", {"serial": "123"}, lambda: 0)
