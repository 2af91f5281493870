"""500s: cameras, joint states, and their synchronisation."""

from pathlib import Path

import numpy as np

from segue_core.errors import ErrorCode
from segue_core.observation import Observation
from segue_core.pictures import layout
from segue_data.contracts import load_robot
from segue_perception.testing import CameraFault, SensorRig

from .provoking import provokes


def _rig(ticks: int, fault: CameraFault = CameraFault.NONE) -> SensorRig:
    """Sensors that worked for some ticks of motion; then the head camera has the fault."""
    rig = SensorRig(load_robot("dual_arm"))
    rig.run(0, ticks, move=0.01)
    rig.cameras["head"].fault = fault
    return rig


@provokes(ErrorCode.FRAME_MISSING, "camera 'head' has sent nothing yet")
def a_camera_that_never_came(_: Path) -> None:
    rig = SensorRig(load_robot("dual_arm"))
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(0, 3)
    rig.sync.assemble(3, rig.now_ns)


@provokes(ErrorCode.FRAME_STALE, "camera 'head' is silent", "got 0.", "expected at most 0.20 s")
def a_camera_that_is_unplugged(_: Path) -> None:
    rig = _rig(5, CameraFault.UNPLUGGED)
    rig.run(6, 15)
    rig.sync.assemble(15, rig.now_ns)


@provokes(ErrorCode.FRAME_FROZEN, "camera 'head' repeats one picture")
def a_camera_that_freezes(_: Path) -> None:
    rig = _rig(30, CameraFault.FROZEN)
    rig.run(31, 60, move=0.01)
    rig.sync.assemble(60, rig.now_ns)


@provokes(ErrorCode.FRAME_CORRUPT, "camera 'head'", "got 256x191", "expected 256x192")
def a_frame_of_another_size(_: Path) -> None:
    _rig(2, CameraFault.WRONG_SIZE).run(3, 3)


@provokes(ErrorCode.FRAME_SKEWED, "camera 'head': its stamps are behind", "got 500 ms", "at most 250 ms")
def stamps_of_half_a_second_ago(_: Path) -> None:
    _rig(3, CameraFault.SKEWED).run(4, 4)


@provokes(ErrorCode.FRAME_ENCODING, "unknown encoding", "got 'rgb9'", "allowed: ", "bgr8")
def an_encoding_that_nobody_knows(_: Path) -> None:
    layout("rgb9")


@provokes(ErrorCode.STATE_MISSING, "joint states have stopped", "got 0.", "expected at most 0.20 s")
def joint_states_that_stop(_: Path) -> None:
    rig = _rig(3)
    rig.silent_joints = True
    rig.run(4, 12)
    rig.sync.assemble(12, rig.now_ns)


@provokes(ErrorCode.STATE_CORRUPT, "state is not finite", "nan")
def a_state_with_nan(_: Path) -> None:
    Observation(0, np.array([0.0, np.nan], np.float32), {})
