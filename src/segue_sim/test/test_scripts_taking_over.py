"""Scripted experts go on from where somebody else has brought the robot, and from what went wrong on the way."""

from collections.abc import Callable

import numpy as np
import pytest
from driven_world import DrivenWorld

from segue_core.arrays import Floats
from segue_core.task_state import TaskState
from segue_data.contracts import task_names
from segue_sim import experts
from segue_sim.disturbance import Disturbance
from segue_sim.episode import Episode
from segue_sim.scripted.taking_over import witness
from segue_sim.testing import load_robot, load_task

SEED = 3
TASKS = ("drawer", "bowls", "push_button", "take_lid", "cube_to_bin")
Change = Callable[[Floats, bool], Floats]


def handed_over(name: str, share: float, change: Change | None = None) -> tuple[TaskState, int, int]:
    """State at the end, ticks that the expert alone takes, and ticks with a hand-over after a `share` of them."""
    task = load_task(name)
    robot = load_robot(task.robot)
    limit = round(task.time_limit_s * robot.tick_rate_hz)
    driven = DrivenWorld(Episode(robot, task, SEED, render=False), SEED)
    alone = 1 + max(driven.play(experts.create(driven.world, SEED), limit))
    driven = DrivenWorld(driven.world, SEED)
    seen, leader = witness(driven.world), experts.create(driven.world, SEED)
    for _ in range(round(share * alone)):
        action = leader.act()
        action = change(action, leader.precise) if change else action
        seen = seen.see(action)
        driven.tick(action)
    before = driven.world.data.qpos.copy()
    follower = seen.taking_over(action[None])
    assert np.array_equal(before, driven.world.data.qpos)  # what it is shown did not happen again
    first = follower.act()
    assert np.abs(first - action).max() <= 1.0 and np.abs(_motion(robot, first - action)).max() < 0.05
    driven.tick(first)
    rest = 2 + max(driven.play(follower, limit))
    for _ in range(5):
        driven.tick(follower.act())
    return driven.world.task_state(), alone, round(share * alone) + rest


def _motion(robot: object, row: Floats) -> Floats:
    space = robot.action_space  # type: ignore[attr-defined]
    grippers = [
        space.slice(channel.name).start for channel in space.channels if channel.name.endswith("gripper")
    ]
    return np.delete(row, grippers)


@pytest.mark.parametrize("share", [0.25, 0.6])
@pytest.mark.parametrize("name", TASKS)
def test_an_expert_ends_what_another_began_and_does_not_begin_anew(name: str, share: float) -> None:
    """A new script from the middle would let go of the handle, or put down what is carried."""
    state, alone, together = handed_over(name, share)
    assert state.success, state.text
    assert together < alone + 45


@pytest.mark.parametrize("name", ["drawer", "push_button"])
def test_an_expert_mends_what_another_did_badly(name: str) -> None:
    """The other was pushed about, and 25 mm off: it closed beside what it should take."""
    task = load_task(name)
    space = load_robot(task.robot).action_space
    pushes = Disturbance(space, SEED)

    def beside(action: Floats, precise: bool) -> Floats:
        moved = pushes.apply(action, precise)
        for channel in space.channels:
            if channel.name.endswith("position"):
                moved[space.slice(channel.name)] += [0.0, 0.025, 0.0]
        return moved

    state, _, _ = handed_over(name, 0.7, beside)
    assert state.success, state.text


def test_every_expert_that_is_shipped_takes_over() -> None:
    assert all(experts.takes_over(load_task(name)) for name in task_names())
