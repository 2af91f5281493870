"""Laws of the drawer's score (Legato, Table A.1)."""

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_sim.episode import Episode
from segue_sim.scores.drawer import astray
from segue_sim.testing import load_task

OUT = np.array([-1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("pull", "wrong"),
    [
        ((-0.08, 0.0, 0.0), False),
        ((-0.05, 0.04, 0.0), False),
        ((-0.04, 0.05, 0.0), True),
        ((0.05, 0.0, 0.0), True),
        ((0.0, 0.0, 0.05), True),
        ((0.02, 0.0, 0.0), False),  # too little to tell
    ],
)
def test_a_pull_goes_astray_beyond_half_a_right_angle(pull: tuple[float, float, float], wrong: bool) -> None:
    assert astray(np.array(pull), OUT) is wrong


@pytest.fixture(scope="module")
def drawer(robot: RobotConfig) -> Episode:
    return Episode(robot, load_task("drawer"), render=False)


@pytest.mark.parametrize(("number", "success"), [(1, False), (2, True), (3, False)])
def test_only_the_second_drawer_counts(drawer: Episode, number: int, success: bool) -> None:
    drawer.reset(1)
    drawer.data.joint(f"cabinet_drawer_{number}").qpos[0] = 0.1
    drawer.advance(0.1)
    state = drawer.task_state()
    assert (state.success, state.score) == (success, 10.0 if success else 0.0)


def test_a_pushed_cabinet_costs_a_point_and_is_judged_from_its_new_place(drawer: Episode) -> None:
    drawer.reset(1)
    drawer.data.joint("cabinet").qpos[0] += 0.03
    drawer.advance(0.2)
    assert drawer.task_state().score == -1.0


def test_a_goal_that_the_score_does_not_have_is_refused(robot: RobotConfig) -> None:
    task = load_task("drawer").model_copy(update={"goal": {"drawr": 2}})
    with pytest.raises(ConfigError, match="drawr.*did you mean 'drawer'"):
        Episode(robot, task, render=False)
