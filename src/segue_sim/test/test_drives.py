"""Simulated arms under every kind of controller: they do what they are told, and stop by themselves when untold."""

from functools import cache

import numpy as np
import pytest
from every_robot import CASES, Case, Rig, contract

from segue_control.hardware.robot_side import RobotSide
from segue_control.lockstep import step
from segue_core.contracts.controller import Interface, Targets, targets_of
from segue_sim.episode import Episode
from segue_sim.testing import load_task, task_names

FOLLOWED = [c for c in CASES if targets_of(c.robot().action_space) is Targets.POSES]
ONE_PER_INTERFACE = ("cartesian_pose", "joint_velocity", "cartesian_impedance")


@cache
def _world(name: str) -> Episode:
    task = next(task for task in map(load_task, task_names()) if task.robot == name)
    return Episode(contract(name), task, 0, render=False)


def _started(case: Case) -> tuple[Episode, Rig]:
    """A world at its start, and a controller armed at what it measures."""
    world, rig = _world(case.name), Rig(case)
    world.reset(0)
    rig.controller.reset(world.joint_positions(), world.gripper_positions())
    return world, rig


@pytest.mark.parametrize("case", FOLLOWED, ids=str)
def test_an_arm_goes_where_its_controller_wants_it(case: Case) -> None:
    world, rig = _started(case)
    ticks = round(rig.robot.tick_rate_hz)
    for tick in range(2 * ticks):
        rig.controller.set_target(rig.moved(min((tick + 1) / ticks, 1.0)), tick)
        for _ in range(rig.per_tick):
            step(rig.controller, world, rig.dt)
    reached = rig.controller.kinematics.poses(world.joint_positions()).positions
    wanted = rig.controller.kinematics.codec.poses(rig.moved(1.0)).positions
    assert (
        np.linalg.norm(reached - wanted, axis=1).max() < 6e-3
    )  # torques leave what the joints' friction takes


@pytest.mark.parametrize("case", [c for c in FOLLOWED if c.kind in ONE_PER_INTERFACE], ids=str)
def test_17_a_robot_whose_controller_was_killed_stops_by_itself(case: Case) -> None:
    """Within its own timeout it brakes; all joints are below 0.01 rad/s half a second after the last command."""
    world, rig = _started(case)
    robot = rig.robot
    names = (*robot.joint_names, *robot.gripper_names)
    side = RobotSide(names, len(robot.joint_names), robot.safety.robot_timeout_s, robot.control.interface)
    now, killed, braking = 0.0, 0.3, None
    ticks = round(killed * robot.tick_rate_hz)
    for update in range(round((killed + 0.5) / rig.dt)):
        now = update * rig.dt
        if now < killed:
            if update % rig.per_tick == 0:
                tick = update // rig.per_tick
                rig.controller.set_target(rig.moved((tick + 1) / ticks), tick)
            _tell(side, rig, world, names, now)
        target = side.target(now)
        if target is None:
            braking = braking or now
            world.hold()
        else:
            world.apply(target.positions, target.grippers, target.velocities, target.efforts)
        world.advance(rig.dt)
    assert braking is not None
    assert braking - killed <= robot.safety.robot_timeout_s + rig.dt
    assert np.abs(world.joint_velocities()).max() < 0.01
    assert (side.timeouts, side.holding) == (1, True)


def _tell(side: RobotSide, rig: Rig, world: Episode, names: tuple[str, ...], now: float) -> None:
    """One update of the controller, over the wire."""
    rig.controller.observe(world.joint_positions(), v=world.joint_velocities())
    command = rig.controller.update(rig.dt)
    still = np.zeros(len(command.grippers))
    told = [None if v is None else np.concatenate([v, still]) for v in (command.velocities, command.efforts)]
    side.receive(names, np.concatenate([command.q, command.grippers]), now, *told)


def test_torques_that_end_leave_the_arm_where_it_is() -> None:
    world = _world("franka")
    world.reset(0)
    q = world.joint_positions()
    world.apply(q, np.ones(1), efforts=np.zeros(7))
    world.advance(0.1)
    where = world.joint_positions()
    world.hold()
    world.advance(0.5)
    np.testing.assert_allclose(world.joint_positions(), where, atol=0.02)
    assert np.abs(world.joint_velocities()).max() < 1e-3


def test_what_was_imagined_leaves_the_motors_as_they_were() -> None:
    world = _world("franka")
    world.reset(0)
    world.apply(world.joint_positions(), np.ones(1))
    before = world.model.actuator_gainprm.copy()
    with world.imagined():
        world.apply(world.joint_positions(), np.ones(1), efforts=np.zeros(7))
        assert (world.model.actuator_gainprm != before).any()
    np.testing.assert_array_equal(world.model.actuator_gainprm, before)


def test_a_velocity_that_something_blocks_does_not_wind_up() -> None:
    """Told to go on for two seconds at its limit, the servo's target stays as far away as full torque needs."""
    world = _world("franka")
    world.reset(0)
    held = world.joint_positions()
    world.apply(held, np.ones(1), velocities=np.full(7, 0.5))
    for _ in range(200):
        world.data.qpos[:7] = held
        world.data.qvel[:7] = 0.0
        world.advance(world.robot.physics_step_s)
    target = world._drives.state.target
    kp = np.array(world.robot.arms[0].stiffness)
    assert target is not None
    assert (np.abs(target - held) <= np.array(world.robot.arms[0].torque_n_m) / kp + 2e-3).all()


def test_a_robot_refuses_commands_without_what_it_is_told() -> None:
    side = RobotSide(("a", "grip"), 1, 0.04, Interface.VELOCITY)
    with pytest.raises(Exception, match="one velocity for each of a, grip"):
        side.receive(("a", "grip"), np.zeros(2), 0.0)
    side.receive(("grip", "a"), np.zeros(2), 0.0, np.array([0.0, 0.7]))
    target = side.target(0.01)
    assert target is not None and target.velocities is not None and target.velocities.tolist() == [0.7]
