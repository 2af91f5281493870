"""Tasks are declarations: what they name must exist, and every shipped one builds."""

import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import FixtureConfig, TaskConfig
from segue_core.errors import ConfigError
from segue_sim.episode import Episode
from segue_sim.layout import draw_layout
from segue_sim.testing import load_robot, load_task, task_names


@pytest.fixture(params=task_names())
def any_task(request: pytest.FixtureRequest) -> TaskConfig:
    return load_task(request.param)


def test_every_task_builds_and_starts_undone(any_task: TaskConfig) -> None:
    world = Episode(load_robot(any_task.robot), any_task, seed=4, render=False)
    world.advance(0.3)
    state = world.task_state()
    assert (state.success, state.score, state.placed) == (False, 0.0, 0)
    assert state.total > 0


def test_a_task_that_was_written_down_is_read_again_as_it_was(any_task: TaskConfig) -> None:
    """Worker processes get theirs so: a script with `for` could not be recorded."""
    assert TaskConfig.model_validate_json(any_task.model_dump_json()) == any_task


def test_the_seed_alone_decides_the_layout(any_task: TaskConfig) -> None:
    assert draw_layout(any_task, 7) == draw_layout(any_task, 7)
    assert draw_layout(any_task, 7) != draw_layout(any_task, 8)


@pytest.mark.parametrize("what", ["expert", "score"])
def test_an_unknown_expert_or_score_is_refused_with_the_valid_ones(
    robot: RobotConfig, task: TaskConfig, what: str
) -> None:
    with pytest.raises(ConfigError, match=f"unknown {what} 'pick_plaice'.*pick_place"):
        Episode(robot, task.model_copy(update={what: "pick_plaice"}), render=False)


def test_an_unknown_kind_of_fixture_is_refused_with_the_valid_ones(
    robot: RobotConfig, task: TaskConfig
) -> None:
    fixtures = {"container": FixtureConfig(kind="bax")}
    with pytest.raises(ConfigError, match="unknown kind of fixture 'bax'.*box"):
        Episode(robot, task.model_copy(update={"fixtures": fixtures}), render=False)


def test_an_unknown_object_is_refused_with_the_valid_ones(robot: RobotConfig, task: TaskConfig) -> None:
    with pytest.raises(ConfigError, match="unknown object 'jug_1'.*jar"):
        Episode(robot, task.model_copy(update={"objects": ("jug_1",)}), render=False)


def test_an_option_that_a_fixture_does_not_have_is_refused(robot: RobotConfig, task: TaskConfig) -> None:
    wrong = FixtureConfig(kind="box", options={"inner_half_size": (0.1, 0.1), "wall_hight": 0.05})
    with pytest.raises(ConfigError, match="wall_hight.*did you mean 'wall_height'"):
        Episode(robot, task.model_copy(update={"fixtures": {"container": wrong}}), render=False)


def test_a_task_without_the_fixture_that_its_score_needs_is_refused(
    robot: RobotConfig, task: TaskConfig
) -> None:
    with pytest.raises(ConfigError, match="unknown box of task 'pick_place' 'container'"):
        Episode(robot, task.model_copy(update={"fixtures": {}}), render=False)
