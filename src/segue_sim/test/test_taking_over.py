"""A world can be imagined on, and the expert goes on from where a policy has brought the robot."""

import numpy as np

from segue_core.action_space import ActionSpace
from segue_sim import experts
from segue_sim.experts.pick_place import PickPlaceExpert
from segue_sim.world import World


def _moved(world: World, ticks: int) -> np.ndarray:
    for k in range(ticks):
        world.apply(world.joint_positions() + 0.02 * np.sin(k + np.arange(14)), np.array([0.3, 1.0]))
        world.advance(1 / 30)
    return world.data.qpos.copy()


def test_what_is_imagined_did_not_happen(world: World) -> None:
    world.reset(4)
    _moved(world, 5)
    straight = _moved(world, 10)
    world.reset(4)
    _moved(world, 5)
    before = world.task_state(), world.tick
    with world.imagined():
        elsewhere = _moved(world, 20)
    assert (world.task_state(), world.tick) == before
    assert np.array_equal(_moved(world, 10), straight)
    assert not np.array_equal(elsewhere, straight)


def _commanded(space: ActionSpace, world: World, arm: str, xyz: np.ndarray, opening: float) -> np.ndarray:
    """Everything at home but one arm's tool."""
    action = np.zeros(space.dim)
    for config in world.robot.arms:
        action[space.slice(f"{config.name}_position")] = world.tool_position(config.name)
        action[space.slice(f"{config.name}_gripper")] = 1.0
    action[space.slice(f"{arm}_position")] = xyz
    action[space.slice(f"{arm}_gripper")] = opening
    return action


def test_an_expert_begins_at_the_commanded_pose_and_stays_with_the_plans_object(world: World) -> None:
    world.reset(8)
    space, arms = world.robot.action_space, [arm.name for arm in world.robot.arms]
    first = experts.create(world, 8)
    assert isinstance(first, PickPlaceExpert)
    for name in world.task.objects:
        for arm in arms:
            above = world.object_position(name) + np.array([0.05, 0.0, 0.11])
            action = _commanded(space, world, arm, above, 1.0)
            goal = _commanded(space, world, arm, world.object_position(name), 1.0)
            plan = np.linspace(action, goal, 20)
            acting = first.taking_over(action[None], plan)
            rows = np.array([acting.act() for _ in range(15)])
            part = space.slice(f"{arm}_position")
            assert np.abs(rows[0] - action).max() < 0.02  # no jump
            left = np.linalg.norm(rows[:, part][:, :2] - world.object_position(name)[:2], axis=1)
            assert left[-1] < 0.3 * left[0]


def test_a_plan_about_nothing_leaves_the_choice_to_the_expert(world: World) -> None:
    world.reset(8)
    space = world.robot.action_space
    home = _commanded(
        space, world, world.robot.arms[0].name, world.tool_position(world.robot.arms[0].name), 1.0
    )
    first = experts.create(world, 8)
    assert isinstance(first, PickPlaceExpert)
    acting = first.taking_over(home[None], np.repeat(home[None], 20, axis=0))
    assert np.array_equal([acting.act() for _ in range(30)], [first.act() for _ in range(30)])


def test_taking_over_keeps_the_velocity_of_the_commands(world: World) -> None:
    world.reset(8)
    space, arm = world.robot.action_space, world.robot.arms[0].name
    part = space.slice(f"{arm}_position")
    towards = world.object_position(world.task.objects[0]) + np.array([0.0, 0.0, 0.11])
    start = _commanded(space, world, arm, towards + np.array([0.0, 0.2, 0.0]), 1.0)
    step = np.zeros(space.dim)
    step[part] = (0.0, -0.4 / 30, 0.0)  # 0.4 m/s towards the object
    commanded = start + np.arange(8)[:, None] * step
    first = experts.create(world, 8)
    assert isinstance(first, PickPlaceExpert)
    moving = first.taking_over(commanded, commanded[-1] + np.arange(1, 20)[:, None] * step).act()
    assert np.allclose(moving[part] - commanded[-1][part], step[part], atol=0.25 * 0.4 / 30)
