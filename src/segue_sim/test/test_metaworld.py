"""Meta-World as a world behind our seams: equal seeds, targets that arrive, pictures, and its own expert."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from segue_core.arrays import Floats
from segue_core.errors import ConfigError
from segue_core.world import World, WorldPlant
from segue_sim.worlds import find_world, world_names
from segue_sim.worlds.metaworld import family

INSTALLED = find_spec("metaworld") is not None
TASK = "metaworld/drawer-open-v3"

needs_it = pytest.mark.skipif(not INSTALLED, reason="Meta-World: pip install -r requirements/benchmarks.txt")


@pytest.fixture(scope="module")
def world() -> World:
    return find_world(TASK)


@pytest.fixture(scope="module")
def plant(world: World) -> WorldPlant:
    return world.plant(True)


def _demonstrated(plant: WorldPlant, seed: int, *, imagining: bool = False) -> Floats:
    """What was measured until success, (ticks, 4)."""
    plant.reset(seed)
    rows = []
    for tick in range(family.STEPS):
        if imagining and tick % 20 == 3:
            with plant.imagined():
                for ahead in range(5):
                    plant.execute(plant.expert_action(), tick + ahead)
        plant.execute(plant.expert_action(), tick)
        rows.append(plant.measured())
        if plant.task_state().success:
            break
    return np.array(rows)


def test_without_meta_world_a_task_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "find_spec", lambda _: None)
    assert not [name for name in world_names() if name.startswith("metaworld/")]
    with pytest.raises(ConfigError, match=r"not installed.*pip install -r requirements/benchmarks\.txt"):
        family.create().world("drawer-open-v3")


def test_an_unknown_task_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'drawer-open-v3'"):
        find_world("metaworld/draw-open-v3")


@needs_it
def test_our_names_are_those_of_the_benchmark_and_so_are_our_numbers() -> None:
    import metaworld
    from metaworld.policies import ENV_POLICY_MAP
    from metaworld.sawyer_xyz_env import SawyerXYZEnv

    assert sorted(family.NAMES) == sorted(metaworld.MT1.ENV_NAMES) == sorted(ENV_POLICY_MAP)
    assert SawyerXYZEnv.max_path_length == family.STEPS
    assert SawyerXYZEnv.metadata["render_fps"] == family.RATE_HZ
    place = family.ROBOT.action_space.slices["arm_position"]
    assert np.array_equal(family.ROBOT.action_space.low[place], SawyerXYZEnv._HAND_SPACE.low)
    assert np.array_equal(family.ROBOT.action_space.high[place], SawyerXYZEnv._HAND_SPACE.high)


@needs_it
@pytest.mark.timeout(600)
def test_equal_seeds_give_equal_episodes_whatever_came_before_or_was_imagined(
    world: World, plant: WorldPlant
) -> None:
    first, other = _demonstrated(plant, 3), _demonstrated(plant, 5)
    again, elsewhere = _demonstrated(plant, 3, imagining=True), _demonstrated(world.plant(False), 3)
    assert not np.array_equal(first, other)
    assert np.array_equal(first, again)
    assert np.array_equal(first, elsewhere)


@needs_it
@pytest.mark.timeout(600)
def test_the_expert_through_our_targets_does_what_it_does_without_us(plant: WorldPlant) -> None:
    import metaworld
    from metaworld.policies import ENV_POLICY_MAP

    name = TASK.partition("/")[2]
    env, expert = metaworld.ALL_V3_ENVIRONMENTS[name](), ENV_POLICY_MAP[name]()
    for seed in (0, 7):
        env.set_task(metaworld.MT1(name, seed=0).train_tasks[seed])
        seen, _ = env.reset()
        rows, won = [], False
        while not won:
            seen, *_, told = env.step(expert.get_action(seen))
            rows.append(seen[:4])
            won = bool(told["success"])
        ours = _demonstrated(plant, seed)
        assert plant.task_state().success
        assert ours.shape == np.array(rows).shape
        assert np.allclose(ours, rows, atol=1e-6)


@needs_it
@pytest.mark.timeout(600)
def test_targets_are_reached_and_the_gripper_does_as_told(plant: WorldPlant) -> None:
    plant.reset(0)
    for place, opening in (((0.1, 0.6, 0.25), 0.0), ((-0.1, 0.55, 0.2), 1.0)):
        for tick in range(80):
            plant.execute(np.array([*place, opening]), tick)
        assert np.linalg.norm(plant.measured()[:3] - place) < 0.01
        assert (plant.measured()[3] > 0.8) == (opening > 0.5)


@needs_it
@pytest.mark.timeout(600)
def test_every_camera_sees_a_scene_that_changes(plant: WorldPlant) -> None:
    plant.reset(0)
    before = plant.images()
    for tick in range(40):
        plant.execute(plant.expert_action(), tick)
    assert set(before) == set(family.ROBOT.cameras)
    for camera, picture in plant.images().items():
        assert picture.shape == (144, 192, 3)
        assert picture.std() > 20
        assert not np.array_equal(picture, before[camera])


@needs_it
@pytest.mark.timeout(600)
def test_after_its_last_step_the_world_stands_still(plant: WorldPlant) -> None:
    plant.reset(0)
    hold = np.array([0.0, 0.6, 0.2, 1.0])
    for tick in range(family.STEPS):
        plant.execute(hold, tick)
    last = plant.measured()
    plant.execute(np.array([0.2, 0.7, 0.1, 0.0]), family.STEPS)
    assert np.array_equal(plant.measured(), last)
    assert not plant.task_state().success
