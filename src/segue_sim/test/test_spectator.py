"""Laws of the spectator: it shows the recorded world, whole, and no robot or policy can tell that it is there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig, SpectatorConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode
from segue_sim.snapshot import take
from segue_sim.spectator import HEIGHT, WIDTH, Spectator

CONFIG = Path(__file__).resolve().parents[3] / "config"
ROBOTS = sorted(path.stem for path in (CONFIG / "robots").glob("*.yaml"))


def _robot(name: str) -> RobotConfig:
    path = CONFIG / "robots" / f"{name}.yaml"
    return load_yaml(path.read_text(), RobotConfig, path.name)


def _middle(picture: np.ndarray) -> np.ndarray:
    return picture[HEIGHT // 4 : -HEIGHT // 4, WIDTH // 4 : -WIDTH // 4].astype(float)


def test_a_recorded_state_is_drawn_as_it_was(world: Episode, robot: RobotConfig, task: TaskConfig) -> None:
    before = take(world)
    spectator = Spectator.of_world(robot, task, before.seed)
    try:
        assert spectator.state_size == len(before.values)
        spectator.show_state(before.values)
        first = spectator.picture()
        moved = replace(before, values=before.values.copy())
        moved.values[1 : 1 + world.model.nq] += 0.2
        spectator.show_state(moved.values)
        assert np.abs(_middle(spectator.picture()) - _middle(first)).mean() > 1.0
        spectator.show_state(before.values)
        assert np.array_equal(spectator.picture(), first)
    finally:
        spectator.close()
    assert first.shape == (HEIGHT, WIDTH, 3) and HEIGHT >= 480


@pytest.mark.parametrize("name", ROBOTS)
def test_every_robot_is_seen_moving_by_its_joints_alone(name: str) -> None:
    """A real robot's bag has no state of a world, only joints."""
    robot = _robot(name)
    spectator = Spectator.of_robot(robot)
    try:
        spectator.show_joints(robot.joint_names, np.zeros(len(robot.joint_names)))
        first = _middle(spectator.picture())
        spectator.show_joints([*robot.joint_names, "no_such_joint"], np.full(len(robot.joint_names) + 1, 0.4))
        assert np.abs(_middle(spectator.picture()) - first).mean() > 0.5
    finally:
        spectator.close()


def test_a_spectator_changes_neither_the_fingerprint_nor_what_the_cameras_see(
    robot: RobotConfig, task: TaskConfig
) -> None:
    elsewhere = SpectatorConfig(position=(2.0, 2.0, 2.0), look_at=(0.0, 0.0, 0.0))
    watched = robot.model_copy(update={"spectator": elsewhere})
    assert watched.fingerprint() == robot.fingerprint()
    assert set(watched.cameras) == set(robot.cameras)
    plain, other = Episode(robot, task, 3), Episode(watched, task, 3)
    for name, image in plain.render().items():
        assert np.array_equal(image, other.render()[name])
