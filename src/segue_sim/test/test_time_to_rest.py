"""How long a moving arm takes to rest in physics: no longer than its limits and the lag of its servos allow.

told to stop --- stop_s of the limits ---> the stream rests --- lag of the servos ---> joints below 0.01 rad/s
"""

import math

import numpy as np
import pytest
from driven_world import DrivenWorld

from segue_control.guard.safety_guard import GuardMode
from segue_control.lockstep import step
from segue_sim.episode import Episode
from segue_sim.testing import load_robot, load_task

REST_RAD_S = 0.01
LAG_S = 0.1  # kd / kp of the simulated servos: the speed that is left fades by e in this time
TASKS = {"dual_arm": "pick_place", "fetch": "open_fridge", "franka": "push_button", "jaco2": "place_block"}


def _sweep(driven: DrivenWorld, rng: np.random.Generator) -> None:
    """Half a second with every tool on a straight line at 0.35 m/s per axis."""
    robot = driven.world.robot
    ticks = math.ceil(0.5 * robot.tick_rate_hz)
    action = driven.controller.kinematics.forward(driven.world.joint_positions(), np.ones(len(robot.arms)))
    steps = np.zeros_like(action)
    for arm in robot.arms:
        steps[robot.action_space.slice(f"{arm.name}_position")] = rng.choice([-1.0, 1.0], 3) * 0.35
    for _ in range(ticks):
        action = action + steps / robot.tick_rate_hz
        driven.tick(action)


def _time_to_rest(driven: DrivenWorld) -> float:
    """Simulated time [s] from an emergency stop to the last moment of a joint that is not at rest."""
    period_s, moved_s = 1.0 / driven.world.robot.control_rate_hz, 0.0
    driven.controller.guard.emergency_stop("test")
    for cycle in range(round(2.0 / period_s)):
        step(driven.controller, driven.world, period_s)
        if np.abs(driven.world.joint_velocities()).max() > REST_RAD_S:
            moved_s = (cycle + 1) * period_s
    return moved_s


@pytest.mark.parametrize("name", sorted(TASKS))
def test_an_arm_in_motion_rests_within_what_its_limits_and_its_servos_allow(name: str) -> None:
    world = Episode(load_robot(name), load_task(TASKS[name]), 0, render=False)
    speeds, times = [], []
    for seed in range(4):
        driven = DrivenWorld(world, seed)
        limits = driven.controller.guard.limits
        _sweep(driven, np.random.default_rng(seed))
        speeds.append((np.abs(world.joint_velocities()) / limits.velocity).max())
        times.append(_time_to_rest(driven))
        assert driven.controller.guard.mode is GuardMode.LATCHED
    assert max(speeds) > 0.5, "it was in motion"
    assert max(times) <= (limits.stop_s + LAG_S * np.log(limits.velocity / REST_RAD_S)).max(), times


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_stream_rests_within_the_time_of_its_limits(name: str) -> None:
    driven = DrivenWorld(Episode(load_robot(name), load_task(TASKS[name]), 0, render=False), 0)
    guard, period_s = driven.controller.guard, 1.0 / driven.world.robot.control_rate_hz
    _sweep(driven, np.random.default_rng(0))
    guard.emergency_stop("test")
    cycles = 0
    while guard.mode is not GuardMode.LATCHED:
        step(driven.controller, driven.world, period_s)
        cycles += 1
    assert cycles * period_s <= guard.limits.stop_s.max() + 2 * period_s
