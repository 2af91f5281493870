"""The distance between parts of a robot, kept by the guard where the contract asks for it."""

import numpy as np
import pytest
from every_robot import contract

from segue_control.controller import RobotController
from segue_control.planning.collision import CollisionModel
from segue_control.planning.scene import Scene
from segue_core.contracts.robot import RobotConfig

DISTANCE_M = 0.05
PERIOD_S = 1.0 / 120.0


@pytest.fixture(scope="module")
def careful() -> RobotConfig:
    """Two arms that keep five centimetres between them."""
    robot = contract("dual_arm")
    return robot.model_copy(
        update={"safety": robot.safety.model_copy(update={"min_self_distance_m": DISTANCE_M})}
    )


def _towards_each_other(controller: RobotController, ticks: int, step_m: float) -> list[np.ndarray]:
    """Both hands go to the middle of the table and beyond it."""
    action = controller.kinematics.forward(controller.kinematics.home, np.ones(2))
    space, path = controller.robot.action_space, []
    for tick in range(ticks):
        action[space.slice("left_position")] += (0.0, -step_m, 0.0)
        action[space.slice("right_position")] += (0.0, step_m, 0.0)
        controller.set_target(action, tick)
        path += [controller.update(PERIOD_S).q for _ in range(4)]
    return path


def _nearest(robot: RobotConfig, path: list[np.ndarray]) -> float:
    model = CollisionModel(robot, Scene(), 0.2)
    return min(
        (touch.distance_m for q in path for touch in model.touches(q) if _between_arms(touch.pair)),
        default=0.2,
    )


def _between_arms(pair: tuple[str, str]) -> bool:
    return {name.split("_")[0] for name in pair} == {"left", "right"}


def test_two_hands_sent_into_each_other_stop_at_the_distance_and_go_back(careful: RobotConfig) -> None:
    controller = RobotController(careful)
    controller.reset(controller.kinematics.home)
    path = _towards_each_other(controller, 30, 0.02)
    assert any(name.startswith("self_distance:") for name in controller.guard.counts)
    assert _nearest(careful, path[::4]) > DISTANCE_M - 0.005
    assert np.abs(path[-1] - path[-2]).max() < 1e-4
    home = controller.kinematics.forward(controller.kinematics.home, np.ones(2))
    for tick in range(30, 75):
        controller.set_target(home, tick)
        for _ in range(4):
            q = controller.update(PERIOD_S).q
    np.testing.assert_allclose(controller.kinematics.forward(q, np.ones(2))[:3], home[:3], atol=5e-3)


def test_without_a_distance_in_the_contract_nothing_is_checked() -> None:
    robot = contract("dual_arm")
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    path = _towards_each_other(controller, 30, 0.02)
    assert _nearest(robot, path[::4]) < 0.0  # they would have met
    assert not any(name.startswith("self_distance") for name in controller.guard.counts)
