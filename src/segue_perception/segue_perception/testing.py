"""Sensors for tests: cameras that film noise, cameras that fail in the ways that real ones do, and a rig of them."""

from dataclasses import replace

import numpy as np

from segue_core.contracts.robot import RobotConfig
from segue_core.text_enum import TextEnum
from segue_perception.camera import Camera, CameraFrame
from segue_perception.sync import Synchroniser

TICK_NS = 1e9 / 30


class CameraFault(TextEnum):
    """What is wrong with a camera."""

    NONE = "none"
    UNPLUGGED = "unplugged"  # no frames at all
    FROZEN = "frozen"  # the same pixels with fresh stamps
    SKEWED = "skewed"  # stamps half a second behind
    WRONG_SIZE = "wrong_size"


class FaultyCamera:
    """A `Camera` around another one; set `fault` at any time."""

    def __init__(self, camera: Camera, fault: CameraFault = CameraFault.NONE) -> None:
        self._camera = camera
        self._last: CameraFrame | None = None
        self.fault = fault

    @property
    def name(self) -> str:
        """Name of the camera inside."""
        return self._camera.name

    @property
    def size(self) -> tuple[int, int]:
        """Size that the camera inside claims."""
        return self._camera.size

    def read(self) -> CameraFrame | None:
        """The frame of the camera inside, with the fault."""
        frame = self._camera.read()
        if frame is None or self.fault is CameraFault.UNPLUGGED:
            return None
        kept = self._last if self.fault is CameraFault.FROZEN and self._last else frame
        self._last = kept
        faulty = replace(frame, image=kept.image)
        if self.fault is CameraFault.SKEWED:
            return replace(faulty, stamp_ns=faulty.stamp_ns - 500_000_000)
        if self.fault is CameraFault.WRONG_SIZE:
            return replace(faulty, image=np.ascontiguousarray(faulty.image[:-1]))
        return faulty

    def close(self) -> None:
        """Closes the camera inside."""
        self._camera.close()


class NoiseCamera:
    """A camera whose every frame is new noise, exposed at the tick that `tick` says."""

    def __init__(self, name: str, size: tuple[int, int], tick_ns: float = TICK_NS) -> None:
        self.name, self.size, self.tick, self._tick_ns = name, size, 0, tick_ns
        self._noise = np.random.default_rng(0)

    def read(self) -> CameraFrame | None:
        """A frame of this tick."""
        image = self._noise.integers(0, 255, (self.size[1], self.size[0], 3), dtype=np.uint8)
        return CameraFrame(image, round(self.tick * self._tick_ns))

    def close(self) -> None:
        """Nothing to release."""


class SensorRig:
    """Everything that a synchroniser listens to, tick by tick; receive times equal stamps."""

    def __init__(self, robot: RobotConfig) -> None:
        self.sync = Synchroniser(robot, (96, 72))
        self._tick_ns = 1e9 / robot.tick_rate_hz
        noise = [NoiseCamera(name, (c.width, c.height), self._tick_ns) for name, c in robot.cameras.items()]
        self.cameras = {camera.name: FaultyCamera(camera) for camera in noise}
        self._noise = noise
        self.state = np.zeros(robot.action_space.dim)
        self.silent_joints = False

    def run(self, first: int, last: int, move: float = 0.0) -> None:
        """Feeds the ticks `first` to `last`, inclusive, while everything moves by `move` per tick."""
        for tick in range(first, last + 1):
            self.now_ns = round(tick * self._tick_ns)
            self.state = self.state + move
            if not self.silent_joints:
                self.sync.add_state(self.state, self.now_ns, self.now_ns)
            for camera in self._noise:
                camera.tick = tick
            for name, faulty in self.cameras.items():
                frame = faulty.read()
                if frame is not None:
                    self.sync.compare(name, frame.stamp_ns, self.now_ns)
                    self.sync.add_frame(name, frame, self.now_ns)
