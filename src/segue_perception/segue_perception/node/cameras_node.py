"""The cameras node: real cameras, video files and recordings on the topics that the simulator uses.

A camera that is not there at the start refuses to start; one that is unplugged later is opened again and again, and
meanwhile there are no observations, which stops the robot.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from sensor_msgs.msg import CameraInfo, Image

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.files import load_robot
from segue_core.errors import ErrorCode, PerceptionError
from segue_perception import drivers
from segue_perception.camera import CameraFrame
from segue_perception.camera_config import CameraSource, Intrinsics
from segue_perception.camera_files import load_camera_set
from segue_perception.framing import Framing
from segue_perception.node.camera_messages import camera_info, ideal
from segue_perception.node.topic_camera import TopicCamera, TopicCameraOptions, await_publishers, image_topic
from segue_perception.reconnect import ReconnectingCamera
from segue_ros import images, parameters, qos, ticks
from segue_ros.frames import optical_frame, prefix
from segue_ros.lifecycle import LifecycleComponent, run

_POLL_S = 0.004  # what a frame may wait for, at most
_FINDING_S = 3.0  # programs that publish pictures are found one after the other
_TOPIC = "topic"  # another program publishes these pictures


class CamerasParameters(StrictModel):
    """Parameters of the cameras node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    camera_set: str = Field(
        default="", description="name in config/cameras, or path of a YAML file; the robot's own when empty"
    )


class CamerasNode(LifecycleComponent):
    """Node `cameras`; see README.md for its topics. `steady_ns` is the clock of silence."""

    def __init__(self, steady_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__("cameras")
        self._steady_ns = steady_ns

    def setup(self) -> None:
        """Opens every camera."""
        given = parameters.declare(self, CamerasParameters)
        self._robot = load_robot(given.robot_file)
        chosen = load_camera_set(self._robot, given.robot_file, given.camera_set)
        self._on_topics = {
            name: parse_model(source.options, TopicCameraOptions, f"camera '{name}': options")
            for name, source in chosen.cameras.items()
            if source.driver == _TOPIC
        }
        under_our_names = {name for name, options in self._on_topics.items() if not options.image}
        self._sources = {
            name: source for name, source in chosen.cameras.items() if name not in under_our_names
        }
        self._cameras = {
            name: ReconnectingCamera(
                name, partial(self._open, name, source), chosen.silence_s, chosen.retry_s
            )
            for name, source in self._sources.items()
        }
        self._said: dict[str, str] = {}
        self._open_all()
        self._diagnostics = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        publish = self.create_lifecycle_publisher
        self._outputs = {
            name: (
                publish(Image, f"{name}_camera/image_raw", qos.SENSOR_SOURCE),
                publish(CameraInfo, f"{name}_camera/camera_info", qos.SENSOR_SOURCE),
            )
            for name in self._sources
        }

    def start(self) -> None:
        """Publishes what they see."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timers_made = [
            self.create_timer(_POLL_S, self._poll, clock=steady),
            self.create_timer(1.0, self._diagnose, clock=steady),
        ]

    def stop(self) -> None:
        """Leaves the cameras alone."""
        for timer in self._timers_made:
            self.destroy_timer(timer)

    def teardown(self) -> None:
        """Closes the cameras."""
        for camera in self._cameras.values():
            camera.close()
        for publisher in (*(p for pair in self._outputs.values() for p in pair), self._diagnostics):
            self.destroy_publisher(publisher)

    def _open(self, name: str, source: CameraSource) -> drivers.Camera:
        if source.driver == _TOPIC:
            calibrated = source.intrinsics is not None
            return TopicCamera(self, name, self._on_topics[name], calibrated=calibrated)
        return drivers.create(
            source.driver, name, source.options, lambda: int(self.get_clock().now().nanoseconds)
        )

    def _open_all(self) -> None:
        """All or none; says everything that is missing at once."""
        topics = [image_topic(self, name, on) for name, on in self._on_topics.items() if on.image]
        await_publishers(self, topics, _FINDING_S)
        missing = []
        for camera in self._cameras.values():
            try:
                camera.open(self._steady_ns() * 1e-9)
            except PerceptionError as error:
                missing.append(error.advised)
        if missing:
            for camera in self._cameras.values():
                camera.close()
            raise PerceptionError(ErrorCode.FRAME_MISSING, "; ".join(missing))

    def _poll(self) -> None:
        now_s = self._steady_ns() * 1e-9
        for name, camera in self._cameras.items():
            frame = camera.read(now_s)
            self._say(name, str(camera.error or ""))
            if frame is not None:
                self._publish(name, camera, frame)

    def _publish(self, name: str, camera: ReconnectingCamera, frame: CameraFrame) -> None:
        contract = self._robot.cameras[name]
        framing = Framing((frame.image.shape[1], frame.image.shape[0]), (contract.width, contract.height))
        stamp = ticks.stamp(frame.stamp_ns)
        image_out, info_out = self._outputs[name]
        optical = f"{prefix(self)}{optical_frame(name)}"
        image_out.publish(images.to_message(framing.picture(frame.image), "rgb8", stamp, optical))
        told = self._sources[name].intrinsics or getattr(camera.camera, "intrinsics", None)
        known: Intrinsics = framing.intrinsics(told) if told else ideal(contract)
        info_out.publish(camera_info(optical, framing.size, known, stamp))

    def _say(self, name: str, trouble: str) -> None:
        """Every change of a camera's trouble, once."""
        if trouble == self._said.get(name, ""):
            return
        self._said[name] = trouble
        if trouble:
            self.get_logger().warning(f"{trouble}; trying again")
        else:
            self.get_logger().info(f"camera '{name}' is back")

    def _diagnose(self) -> None:
        message = DiagnosticArray(status=[self._status(camera) for camera in self._cameras.values()])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _status(self, camera: ReconnectingCamera) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=DiagnosticStatus.ERROR if camera.error else DiagnosticStatus.OK,
            name=f"segue_perception: camera {camera.name}",
            message=str(camera.error or f"lost {camera.losses} times so far"),
            hardware_id=camera.name,
        )


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(CamerasNode))


if __name__ == "__main__":
    main()
