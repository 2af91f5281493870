"""Writes everything that Gazebo needs for a robot and a task."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode
from segue_sim.gazebo import wiring
from segue_sim.gazebo.robot import robot_urdf
from segue_sim.gazebo.scenery import world_name, world_sdf
from segue_sim.gazebo.unsaid import unsaid


@dataclass(frozen=True)
class GazeboFiles:
    """Where each file is, what the launch needs to know, and what the files leave `unsaid`, in words."""

    folder: Path
    world_name: str
    controllers: tuple[str, ...]
    steps_per_clock: int
    unsaid: tuple[str, ...]

    @property
    def world(self) -> Path:
        """SDF of the scenery."""
        return self.folder / "world.sdf"

    @property
    def robot(self) -> Path:
        """URDF of the robot."""
        return self.folder / "robot.urdf"

    @property
    def bridge(self) -> Path:
        """ros_gz_bridge's configuration."""
        return self.folder / "bridge.yaml"

    @property
    def controller_parameters(self) -> Path:
        """Parameters of the controller manager and its controllers."""
        return self.folder / "controllers.yaml"

    @property
    def hardware(self) -> Path:
        """Settings of the hardware node."""
        return self.folder / "hardware.yaml"


def write_gazebo(robot: RobotConfig, task: TaskConfig, seed: int, folder: Path) -> GazeboFiles:
    """Write the files for a robot at a task, as it stands at the start of a seed. Files that are there are replaced.

    Raises:
        OSError: the folder cannot be written.
        SegueError: the robot's model has something that URDF does not know.
    """
    folder = folder.absolute()
    meshes = folder / "meshes"
    meshes.mkdir(parents=True, exist_ok=True)
    world = Episode(robot, task, seed, render=False)
    files = GazeboFiles(
        folder,
        world_name(world),
        tuple(wiring.controller_names(robot)),
        wiring.steps_per_clock(robot),
        unsaid(world),
    )
    files.world.write_text(world_sdf(world, meshes), encoding="utf-8")
    files.robot.write_text(robot_urdf(robot, meshes, files.controller_parameters), encoding="utf-8")
    for path, content in (
        (files.bridge, wiring.bridge(robot)),
        (files.controller_parameters, wiring.controllers(robot)),
        (files.hardware, wiring.hardware(robot)),
    ):
        path.write_text(
            f"# Made by `segue gazebo` for {robot.name} at {task.name}.\n"
            + yaml.safe_dump(content, sort_keys=False)
        )
    world.close()
    return files
