"""Cameras that film noise in step with the ticks of a robot, for tests."""

import numpy as np

from segue_core.robot_config import RobotConfig
from segue_perception.camera import Frame
from segue_perception.sync import Synchroniser
from segue_perception.testing import FaultyCamera

TICK_NS = 1e9 / 30


class NoiseCamera:
    """A camera whose every frame is new noise, exposed at the tick that `tick` says."""

    def __init__(self, name: str, size: tuple[int, int]) -> None:
        self.name, self.size, self.tick = name, size, 0
        self._noise = np.random.default_rng(0)

    def read(self) -> Frame | None:
        """A frame of this tick."""
        image = self._noise.integers(0, 255, (self.size[1], self.size[0], 3), dtype=np.uint8)
        return Frame(image, round(self.tick * TICK_NS))

    def close(self) -> None:
        """Nothing to release."""


class Rig:
    """Everything that a synchroniser listens to, tick by tick; receive times equal stamps."""

    def __init__(self, robot: RobotConfig) -> None:
        self.sync = Synchroniser(robot, (96, 72))
        noise = [NoiseCamera(name, (c.width, c.height)) for name, c in robot.cameras.items()]
        self.cameras = {camera.name: FaultyCamera(camera) for camera in noise}
        self._noise = noise
        self.state = np.zeros(14)
        self.silent_joints = False

    def run(self, first: int, last: int, move: float = 0.0) -> None:
        """Feeds the ticks `first` to `last`, inclusive, while everything moves by `move` per tick."""
        for tick in range(first, last + 1):
            self.now_ns = round(tick * TICK_NS)
            self.state = self.state + move
            if not self.silent_joints:
                self.sync.add_state(self.state, self.now_ns, self.now_ns)
            for camera in self._noise:
                camera.tick = tick
            for name, faulty in self.cameras.items():
                frame = faulty.read()
                if frame is not None:
                    self.sync.add_frame(name, frame, self.now_ns)
