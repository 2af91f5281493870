"""300s: controllers, the guard, the robot's side of the wire, planned moves."""

from functools import cache
from pathlib import Path

import numpy as np

from segue_control.controller import RobotController
from segue_control.guard.ownership import CommandOwner
from segue_control.hardware.link import HardwareLink
from segue_control.planning.built_in import BuiltInPlanner
from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode
from segue_data.contracts import load_robot

from .provoking import Told, provokes

PERIOD_S = 1 / 120


@cache
def _robot() -> RobotConfig:
    return load_robot("dual_arm")


def _armed() -> RobotController:
    """The two arms at home, armed."""
    controller = RobotController(_robot())
    controller.reset(controller.kinematics.home)
    return controller


def _home(controller: RobotController) -> np.ndarray:
    return controller.kinematics.forward(controller.kinematics.home, np.ones(2))


def _fault(controller: RobotController) -> Told:
    """What stopped the robot, as whoever arms it next is told."""
    assert controller.guard.fault is not None
    return Told(controller.guard.fault.code, controller.guard.fault.advised)


@provokes(ErrorCode.CONTROL_NOT_FINITE, "command", "got nan for left_position", "expected finite values")
def a_command_with_nan(_: Path) -> None:
    _armed().set_target(np.full(14, np.nan), 0)


@provokes(ErrorCode.CONTROL_WRONG_SHAPE, "command width", "got (13,)", "expected (14,)")
def a_command_of_another_width(_: Path) -> None:
    _armed().set_target(np.zeros(13), 0)


@provokes(ErrorCode.CONTROL_LIMIT, "joint left_joint4", "got 0.500 rad", "expected -3.0")
def a_joint_outside_its_limits(_: Path) -> None:
    controller = RobotController(_robot())
    q = controller.kinematics.home.copy()
    q[3] = 0.5
    controller.reset(q)


@provokes(ErrorCode.CONTROL_COMMAND_STALE, "no fresh command", "got 0.", "at most 0.15 s")
def commands_that_stop(_: Path) -> Told:
    controller = _armed()
    controller.set_target(_home(controller), 0, now_ns=0)
    for cycle in range(30):
        controller.update(PERIOD_S, now_ns=round(cycle * PERIOD_S * 1e9))
    return _fault(controller)


@provokes(ErrorCode.CONTROL_STATE_STALE, "no joint states received yet")
def an_arming_without_joint_states(_: Path) -> None:
    RobotController(_robot()).arm(np.ones(2))


@provokes(ErrorCode.CONTROL_EMERGENCY_STOP, "emergency stop")
def a_button_that_is_pressed(_: Path) -> Told:
    controller = _armed()
    controller.guard.emergency_stop("")
    return _fault(controller)


@provokes(ErrorCode.CONTROL_NOT_ARMED, "command refused: the robot is not armed")
def a_command_before_arming(_: Path) -> None:
    controller = RobotController(_robot())
    controller.set_target(_home(controller), 0)


@provokes(ErrorCode.CONTROL_OVERRUN, "controller update", "got 0.05 s", "expected 0.008")
def a_cycle_of_fifty_milliseconds(_: Path) -> None:
    _armed().update(0.05)


@provokes(ErrorCode.CONTROL_FOREIGN_COMMAND, "another run", "got 'second'", "expected 'first'")
def a_second_run_that_commands(_: Path) -> None:
    owner = CommandOwner(_armed().guard.counts)
    for run in ("first", "second"):
        owner.check(run)


@provokes(ErrorCode.CONTROL_HARDWARE, "left_joint3", "got 0.500 rad", "expected at most 0.200 rad")
def a_robot_that_does_not_follow(_: Path) -> None:
    robot, kinematics = _robot(), Kinematics(_robot())
    hardware = HardwareConfig(backend="topics", max_deviation_rad=0.2, deviation_time_s=0.01)
    link = HardwareLink(robot, hardware, joint_limits(robot, kinematics.low, kinematics.high))
    names, far = (*robot.joint_names, *robot.gripper_names), kinematics.home.copy()
    link.observe(kinematics.home, 0.0)
    link.receive(names, np.concatenate([kinematics.home, np.ones(2)]), 0.0)
    far[2] += 0.5
    for now_s in np.arange(0.0, 0.3, 0.01):
        link.observe(kinematics.home, now_s)
        if error := link.must_stop(now_s, far):
            raise error


@provokes(ErrorCode.CONTROL_COLLISION, "goal pose", "obstacle crate")
def a_move_into_a_crate(_: Path) -> None:
    home = np.array(_robot().pose_rad("home"))
    away = home.copy()
    away[0] += 0.8
    tool = Kinematics(_robot()).poses(home).positions[0]
    crate = Obstacle("crate", Shape.BOX, (0.1, 0.1, 0.1), tuple(tool.tolist()))
    BuiltInPlanner(_robot()).plan(away, home, Scene((crate,)))
