"""Laws of the cameras' own thread: it draws the moment that it was given, whatever the world does meanwhile."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode
from segue_sim.picture_thread import Pictures, PictureThread
from segue_sim.priority import ordinary_priority

CONFIG = Path(__file__).parents[3] / "config"


def _world(robot: str, task: str) -> Episode:
    contract = load_robot(str(CONFIG / "robots" / f"{robot}.yaml"))
    return Episode(contract, load_file(str(CONFIG / "tasks" / f"{task}.yaml"), TaskConfig, "task"), seed=3)


@pytest.mark.parametrize(
    ("robot", "task"), [("dual_arm", "pick_place"), ("dual_arm", "towel"), ("franka", "open_drawer")]
)
def test_the_thread_draws_what_the_world_itself_would_draw(robot: str, task: str) -> None:
    world, drawn, shown = _world(robot, task), threading.Event(), dict[str, np.ndarray]()
    thread = PictureThread(world.model, world.robot.cameras, drawn.set)
    world.advance(0.1)
    expected = world.render()

    def show(pictures: Pictures) -> None:
        shown.update(pictures)

    thread.take(world.data, show)
    world.advance(0.1)
    assert drawn.wait(20.0)
    thread.finish()
    for name, picture in expected.items():
        np.testing.assert_array_equal(shown[name], picture)
    thread.close()
    world.close()


def test_what_goes_wrong_while_drawing_is_raised_at_the_next_moment() -> None:
    world = _world("franka", "push_button")
    thread = PictureThread(world.model, world.robot.cameras, lambda: None)

    def fail(_: Pictures) -> None:
        raise RuntimeError("no picture today")

    thread.take(world.data, fail)
    with pytest.raises(RuntimeError, match="no picture today"):
        thread.finish()
    thread.close()
    world.close()


def _policy_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
    thread.start()
    thread.join()
    return found[0]


def test_what_draws_beside_an_urgent_simulator_is_not_urgent() -> None:
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pytest.skip("real-time priority is not allowed here: docs/hardware.md")
    try:
        with ordinary_priority():
            assert _policy_of_a_new_thread() == os.SCHED_OTHER
        assert _policy_of_a_new_thread() == os.sched_getscheduler(0) == os.SCHED_FIFO
    finally:
        os.sched_setscheduler(0, before, parameters)
