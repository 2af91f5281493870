"""Laws of the scripted policy: it plans in a replica of the world, and goes on where its plans have led."""

import numpy as np
import pytest

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_sim import snapshot
from segue_sim.episode import Episode
from segue_sim.scripted.imagination import Imagination
from segue_sim.scripted.policy import ScriptedPolicy, WorldSource
from segue_sim.testing import load_robot, load_task

STRIDE, DELAY, HORIZON = 30, 8, 60


@pytest.fixture(scope="module")
def franka() -> RobotConfig:
    return load_robot("franka")


class Stage:
    """A world under its controller, moved row by row, as lockstep does."""

    def __init__(self, robot: RobotConfig, name: str, seed: int) -> None:
        self.world = Episode(robot, load_task(name), seed, render=False)
        self._controller = RobotController(robot)
        self._controller.reset(self.world.joint_positions())

    def execute(self, action: np.ndarray, tick: int) -> None:
        self._controller.set_target(action, tick)
        robot = self.world.robot
        for _ in range(round(robot.control_rate_hz / robot.tick_rate_hz)):
            step(self._controller, self.world, 1.0 / robot.control_rate_hz)


def request(tick: int, reference: np.ndarray, delay: int = DELAY) -> PredictRequest:
    rows = np.concatenate([reference, np.tile(reference[-1], (HORIZON, 1))])[:HORIZON].astype(np.float32)
    seen = Observation(tick, reference[0].astype(np.float32), {})
    return PredictRequest(
        tick, 1, "plain", np.zeros(HORIZON, np.float32), rows, delay, 0, observations=(seen,)
    )


@pytest.mark.parametrize(("name", "task"), [("franka", "pick_up_cup"), ("jaco2", "clean_table")])
def test_chunk_after_chunk_does_the_task_without_a_jump(name: str, task: str) -> None:
    """With a robot that is told positions, and with one that is told velocities."""
    robot = load_robot(name)
    stage = Stage(robot, task, 20004)
    policy = ScriptedPolicy(robot, stage.world.task, WorldSource(stage.world))
    chunk = policy.predict(request(0, np.zeros((1, 7)))).chunk.actions
    begin = 0
    for tick in range(300):
        if tick == begin + STRIDE:
            left = chunk[STRIDE:]
            fresh = policy.predict(request(tick, left)).chunk.actions
            assert np.array_equal(fresh[:DELAY], left[:DELAY])  # what is executed anyway
            assert np.abs(fresh[DELAY] - left[DELAY])[:6].max() < 0.02
            chunk, begin = fresh, tick
        stage.execute(chunk[tick - begin].astype(np.float64), tick)
        if stage.world.task_state().success:
            return
    pytest.fail(stage.world.task_state().text)


def test_a_first_chunk_that_comes_late_is_gone_on_from_where_it_was_left(franka: RobotConfig) -> None:
    """A first chunk is dated to when it came: the tick alone would skip as many rows of the plan."""
    stage = Stage(franka, "reach_target", 20004)
    policy = ScriptedPolicy(franka, stage.world.task, WorldSource(stage.world))
    first = policy.predict(request(0, np.zeros((1, 7)))).chunk.actions.astype(np.float64)
    late = 11
    for tick in range(late, late + 6):
        stage.execute(first[tick - late], tick)
    second = policy.predict(request(late + 6, first[6:])).chunk.actions
    assert np.abs(second[: HORIZON - 6] - first[6:]).max() < 0.01


def test_an_expert_that_is_shown_the_same_moments_acts_the_same(franka: RobotConfig) -> None:
    imagined = Imagination(franka, load_task("pick_up_cup"))
    imagined.world.reset(20004)
    imagined.begin(snapshot.take(imagined.world))
    first = [imagined.act(tick) for tick in range(70)]
    middle, controller = imagined._moments[40].world, imagined.controller_at(40)
    imagined.branch(40)
    imagined.set(middle, controller)
    again = [imagined.act(tick) for tick in range(40, 70)]
    assert np.array_equal(again, first[40:])


def test_a_snapshot_put_down_elsewhere_goes_on_bit_for_bit(franka: RobotConfig) -> None:
    one, other = (Episode(franka, load_task("pick_up_cup"), 5, render=False) for _ in range(2))
    one.apply(one.joint_positions() + 0.05, np.zeros(1))
    one.advance(0.3)
    snapshot.put(other, snapshot.take(one))
    one.advance(0.3)
    other.advance(0.3)
    assert np.array_equal(one.data.qpos, other.data.qpos)


def test_a_snapshot_of_another_episode_is_refused(franka: RobotConfig) -> None:
    world = Episode(franka, load_task("pick_up_cup"), 5, render=False)
    taken = snapshot.take(world)
    world.reset(6)
    with pytest.raises(PolicyError, match="state of the simulator.*5.*6"):
        snapshot.put(world, taken)
