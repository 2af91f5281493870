"""What the simulated robot's drivers publish: standard messages from the world's arrays."""

import math
from array import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, JointState

from segue_core.contracts.robot import CameraConfig, RobotConfig
from segue_core.errors import ErrorCode, PolicyError
from segue_interfaces.msg import SimState
from segue_sim.snapshot import Snapshot
from segue_sim.world import World


def joint_state(
    world: World, robot: RobotConfig, gripper_speeds: NDArray[np.float64], stamp: Time, frame: str
) -> JointState:
    """Arm joints [rad, rad/s], gripper openings in [0, 1] with their speeds [1/s], finger joints [m or rad, 1/s]."""
    message = JointState(name=[*robot.joint_names, *robot.gripper_names, *robot.finger_names])
    message.header.stamp, message.header.frame_id = stamp, frame
    fingers, finger_speeds = world.finger_positions()
    measured = (world.joint_positions(), world.gripper_positions(), fingers)
    speeds = (world.joint_velocities(), gripper_speeds, finger_speeds)
    message.position = np.concatenate(measured).tolist()
    message.velocity = np.concatenate(speeds).tolist()
    return message


def state_message(snapshot: Snapshot, stamp: Time) -> SimState:
    """Everything about the world."""
    message = SimState(task=snapshot.task, seed=snapshot.seed, values=array("d", snapshot.values.tobytes()))
    message.header.stamp = stamp
    return message


def state_of(message: SimState) -> Snapshot:
    """The other way; PolicyError for a state with numbers that are not finite."""
    values = np.array(message.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, "state of the simulator is not finite")
    return Snapshot(message.task, int(message.seed), values)


def camera_info(frame: str, camera: CameraConfig, stamp: Time) -> CameraInfo:
    """An ideal pinhole: square pixels, centre in the middle, no distortion; `frame` is its optical frame.

    fy = (h / 2) / tan(fovy / 2),  fx = fy.  Pixel centres are at whole numbers, as in ROS and OpenCV, so the middle of
    w pixels is at (w - 1) / 2.
    """
    focal = camera.height / 2 / math.tan(math.radians(camera.fovy_deg) / 2)
    cx, cy = (camera.width - 1) / 2, (camera.height - 1) / 2
    message = CameraInfo(height=camera.height, width=camera.width, distortion_model="plumb_bob")
    message.header.stamp, message.header.frame_id = stamp, frame
    message.d = [0.0] * 5
    message.k = [focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
