"""A robot that nobody shipped is one YAML: the one on docs/your-own-robot.md, as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
from driven_world import demonstrate

from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_sim.episode import Episode
from segue_sim.testing import load_task

PAGE = Path(__file__).resolve().parents[3] / "docs" / "your-own-robot.md"


@pytest.fixture(scope="module")
def text() -> str:
    (block,) = re.findall(r"```yaml\n(name: .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def test_the_robot_of_the_page_does_another_robots_task(text: str) -> None:
    robot = load_yaml(text, RobotConfig, PAGE.name)
    task = load_task("pick_up_cup").model_copy(update={"robot": robot.name})
    state = demonstrate(robot, task, 20000)
    assert (state.success, state.score) == (True, 10.0), state.text


def test_its_linkage_opens_and_closes_as_told(text: str) -> None:
    robot = load_yaml(text, RobotConfig, PAGE.name)
    world = Episode(robot, load_task("pick_up_cup").model_copy(update={"robot": robot.name}), 0, render=False)
    gaps = []
    for opening in (0.0, 0.5, 1.0):
        world.apply(world.joint_positions(), np.array([opening]))
        world.advance(1.5)
        np.testing.assert_allclose(world.gripper_positions(), opening, atol=0.01)
        pads = [world.data.body(f"arm_{name}").xpos for name in robot.arms[0].gripper.finger_bodies or ()]
        gaps.append(float(np.linalg.norm(pads[0] - pads[1])))
    assert gaps[0] < 0.02 and gaps[1] - gaps[0] > 0.03 and gaps[2] - gaps[1] > 0.03  # 85 mm, by its name


def test_a_finger_body_that_the_model_has_not_is_refused_with_those_it_has(text: str) -> None:
    robot = load_yaml(text.replace("hand_left_pad", "hand_left_pat"), RobotConfig, PAGE.name)
    with pytest.raises(ConfigError, match=r"finger body 'hand_left_pat' \(did you mean 'hand_left_pad'"):
        Episode(robot, load_task("pick_up_cup").model_copy(update={"robot": robot.name}), 0, render=False)
