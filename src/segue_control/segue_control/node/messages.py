"""Messages of the controller node."""

import numpy as np
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from numpy.typing import NDArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.commands import JointCommand
from segue_control.controller import RobotController
from segue_control.guard.safety_guard import GuardMode
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode
from segue_interfaces.msg import SafetyState

_LEVELS = {
    GuardMode.ARMED: DiagnosticStatus.OK,
    GuardMode.DISARMED: DiagnosticStatus.OK,
    GuardMode.STOPPING: DiagnosticStatus.WARN,
    GuardMode.LATCHED: DiagnosticStatus.ERROR,
}


def joint_trajectory(robot: RobotConfig, command: JointCommand, stamp: Time) -> JointTrajectory:
    """One point, to be reached within one controller period: arm joints [rad], then gripper openings.

    Robots that are told velocities [rad/s] or torques [N m] find them beside the positions, 0 for the grippers.
    """
    message = JointTrajectory(joint_names=[*robot.joint_names, *robot.gripper_names])
    message.header.stamp, message.header.frame_id = stamp, robot.base_frame
    positions = [*command.q.tolist(), *command.grippers.tolist()]
    period = Duration(sec=0, nanosec=round(1e9 / robot.control_rate_hz))
    message.points = [
        JointTrajectoryPoint(
            positions=positions,
            velocities=_beside(command.velocities, command),
            effort=_beside(command.efforts, command),
            time_from_start=period,
        )
    ]
    return message


def _beside(values: NDArray[np.float64] | None, command: JointCommand) -> list[float]:
    return [] if values is None else [*values.tolist(), *[0.0] * len(command.grippers)]


def safety_state(controller: RobotController, overruns: int, now_ns: int, stamp: Time) -> SafetyState:
    """What the guard sees and does."""
    guard, fault = controller.guard, controller.guard.fault
    message = SafetyState(
        armed=guard.mode is GuardMode.ARMED,
        emergency_stop=fault is not None and fault.code is ErrorCode.CONTROL_EMERGENCY_STOP,
        command_age_s=guard.command_age_s(now_ns),
        active_limits=list(controller.active_limits),
        count_names=list(guard.counts),
        counts=list(guard.counts.values()),
        overruns=overruns,
        error_code=int(fault.code) if fault else 0,
        error_text=fault.carried if fault else "",
    )
    message.header.stamp = stamp
    return message


def diagnostics(
    controller: RobotController, overruns: int, robot: RobotConfig, stamp: Time
) -> DiagnosticArray:
    """The same for the tools that people watch robots with."""
    guard = controller.guard
    values = {"mode": guard.mode.value, "overruns": str(overruns)}
    values |= {name: str(count) for name, count in sorted(guard.counts.items())}
    status = DiagnosticStatus(
        level=_LEVELS[guard.mode],
        name="segue_control: safety guard",
        hardware_id=robot.name,
        message=guard.fault.advised if guard.fault else guard.mode.value,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
    message = DiagnosticArray(status=[status])
    message.header.stamp = stamp
    return message
